#!/usr/bin/env python3
"""Turns the SQL files of a database into one C file of strings.

Usage: embed_sql.py OUT.c DIR

Files named NNNN_name.sql become the migrations, in order and without gaps; day_tables.sql becomes
the template of a day's tables.
"""
import pathlib
import re
import sys


def literal(text):
    lines = []
    for line in text.splitlines():
        code = line.split("--", 1)[0].rstrip()  # comments are for readers of the file
        if code:
            lines.append('    "' + code.replace("\\", "\\\\").replace('"', '\\"') + '\\n"')
    return "\n".join(lines)


def main():
    out, folder = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
    numbered = sorted(p for p in folder.glob("*.sql") if re.match(r"\d{4}_\w+\.sql$", p.name))
    for index, path in enumerate(numbered, start=1):
        if int(path.name[:4]) != index:
            sys.exit(f"{path}: expected number {index:04d}")
    if not numbered:
        sys.exit(f"{folder}: no migrations")
    rows = [f'    {{{int(p.name[:4])}, "{p.stem}",\n{literal(p.read_text())}}},' for p in numbered]
    out.write_text(
        "/* Made by tools/embed_sql.py; do not edit. */\n"
        '#include "adapters/sqlite/migrate.h"\n\n'
        "const struct tt_sqlite_migration tt_sqlite_migrations[] = {\n"
        + "\n".join(rows)
        + "\n};\nconst unsigned tt_sqlite_migration_count = "
        + f"{len(rows)};\n\nconst char tt_sqlite_day_tables[] =\n"
        + literal((folder / "day_tables.sql").read_text())
        + ";\n"
    )


main()
