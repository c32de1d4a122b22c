#!/usr/bin/env python3
"""Turns text files into one C file of strings: the configuration that is built in.

Usage: embed_text.py OUT.c NAME=FILE…
"""
import pathlib
import sys


def main():
    out = pathlib.Path(sys.argv[1])
    lines = ['/* Made by tools/embed_text.py from config/. */', '#include "cli/builtin.h"', '']
    for argument in sys.argv[2:]:
        name, path = argument.split("=", 1)
        data = pathlib.Path(path).read_bytes()
        body = ",".join(str(b) for b in data) or "0"
        lines.append(f"static const char {name}_text[] = {{{body}}};")
        lines.append(f"const struct tt_str tt_builtin_{name} = {{{name}_text, {len(data)}}};")
    out.write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
