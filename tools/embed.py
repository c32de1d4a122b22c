#!/usr/bin/env python3
"""Turns a folder of web files into one C source: the table of src/services/dashboard_frontend/assets.h.

Each file becomes a row, and a second row with its gzip form where that is notably smaller. The
rows are sorted by path (bytewise), the plain form before the gzip form. Equal input gives an equal
source, and the output is only written when it changes, so that nothing is compiled again for
nothing. Without a built dashboard (no index.html) the table holds the fallback page alone, as
index.html.
"""

import argparse
import gzip
import hashlib
import os
import sys

CONTENT_TYPES = {
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".ico": "image/vnd.microsoft.icon",
    ".js": "text/javascript; charset=utf-8",
    ".json": "application/json",
    ".png": "image/png",
    ".svg": "image/svg+xml",
    ".txt": "text/plain; charset=utf-8",
    ".webmanifest": "application/manifest+json",
    ".woff2": "font/woff2",
}
SIZE_MAX = 16 * 1024 * 1024  # of all files together: more is a mistake, not a dashboard
BYTES_PER_LINE = 24


class EmbedError(Exception):
    pass


def find_files(dist):
    """Paths below dist with forward slashes, sorted; anything that is no regular file is refused."""
    found = []
    for folder, folders, names in os.walk(dist):
        folders.sort()
        for name in folders + names:
            if os.path.islink(os.path.join(folder, name)):
                raise EmbedError(f"{os.path.join(folder, name)}: a symbolic link is not embedded")
        for name in names:
            path = os.path.relpath(os.path.join(folder, name), dist)
            found.append(path.replace(os.sep, "/"))
    return sorted(found, key=lambda path: path.encode())


def content_type(path):
    extension = os.path.splitext(path)[1].lower()
    if extension not in CONTENT_TYPES:
        raise EmbedError(f"{path}: no content type is known for {extension or 'a bare name'!r}")
    return CONTENT_TYPES[extension]


def c_string(text):
    """A C string literal; only printable ASCII occurs in paths, types and tags."""
    if not text.isascii() or not text.isprintable():
        raise EmbedError(f"{text!r}: only printable ASCII is embedded")
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def etag(data, variant):
    """A strong entity tag: two forms of one file must not share one (RFC 9110, 8.8.1)."""
    return f'"{hashlib.sha256(data).hexdigest()[:32]}{variant}"'


def rows_of(path, data):
    """The plain form, and the gzip form when it saves a tenth."""
    kind = content_type(path)
    rows = [(path, kind, data, etag(data, ""), False)]
    packed = gzip.compress(data, compresslevel=9, mtime=0)
    if len(packed) * 10 < len(data) * 9:
        rows.append((path, kind, packed, etag(data, "-gz"), True))
    return rows


def c_array(name, data):
    """The bytes as a C array; an empty file gets one byte that its size leaves out."""
    lines = [f"static const unsigned char {name}[] = {{"]
    data = data or b"\0"
    for start in range(0, len(data), BYTES_PER_LINE):
        chunk = data[start : start + BYTES_PER_LINE]
        lines.append(",".join(map(str, chunk)) + ",")
    lines.append("};")
    return "\n".join(lines)


def c_source(rows):
    parts = [
        "/* Made by tools/embed.py: the dashboard's files. Not to be edited. */",
        '#include "services/dashboard_frontend/assets.h"',
        "",
    ]
    for index, row in enumerate(rows):
        parts.append(c_array(f"data_{index}", row[2]))
    parts.append("\nconst struct tt_asset tt_assets[] = {")
    for index, (path, kind, data, tag, packed) in enumerate(rows):
        fields = [c_string(path), c_string(kind), f"data_{index}", str(len(data)), c_string(tag)]
        parts.append("    {" + ", ".join(fields) + f", {'true' if packed else 'false'}}},")
    parts.append("};")
    parts.append("const size_t tt_asset_count = sizeof(tt_assets) / sizeof(tt_assets[0]);\n")
    return "\n".join(parts)


def read(path):
    with open(path, "rb") as file:
        return file.read()


def collect(dist, fallback):
    """The rows, and the files they depend on (for the depfile)."""
    index = os.path.join(dist, "index.html")
    if not os.path.isfile(index):
        # Depending on the page that is not there makes the build look again each time.
        return rows_of("index.html", read(fallback)), [fallback, index]
    rows, sources, total = [], [], 0
    for path in find_files(dist):
        source = os.path.join(dist, path)
        data = read(source)
        total += len(data)
        if total > SIZE_MAX:
            raise EmbedError(f"{dist}: more than {SIZE_MAX} bytes")
        rows.extend(rows_of(path, data))
        sources.append(source)
    return rows, sources


def write_if_changed(path, text):
    data = text.encode()
    if os.path.exists(path) and read(path) == data:
        return
    with open(path, "wb") as file:
        file.write(data)


def make_escape(path):
    return path.replace("\\", "\\\\").replace(" ", "\\ ").replace("#", "\\#").replace("$", "$$")


def main(arguments):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--dist", required=True, help="the built dashboard; may be missing")
    parser.add_argument("--fallback", required=True, help="the page shown when it is")
    parser.add_argument("--out", required=True, help="the C source")
    parser.add_argument("--depfile", help="make rule with the files that were read")
    options = parser.parse_args(arguments)
    try:
        rows, sources = collect(options.dist, options.fallback)
        write_if_changed(options.out, c_source(rows))
        if options.depfile:
            names = " ".join(make_escape(source) for source in sources)
            write_if_changed(options.depfile, f"{make_escape(options.out)}: {names}\n")
    except (EmbedError, OSError) as error:
        print(f"embed.py: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
