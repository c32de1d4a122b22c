#!/usr/bin/env python3
"""Checks that src/ keeps its layers: who includes whom, and what the core's archive calls.

Usage: layer_check.py BUILD_DIR

Includes are read from the sources; the undefined symbols of libtt_core.a and libtt_base.a are
compared with what the two define and with a short list of functions without side effects. Exit
status 1 and a line per breach if there is any.
"""

import pathlib
import re
import subprocess
import sys

SRC = pathlib.Path(__file__).resolve().parents[1] / "src"
SUFFIXES = {".c", ".h", ".cc", ".def"}

# layer: the layers it may include (ARCHITECTURE.md draws this)
MAY_SEE = {
    "base": {"base"},
    "core": {"base", "core"},
    "ports": {"base", "core", "ports"},
    "format": {"base", "core", "format"},
    "runtime": {"base", "core", "format", "ports", "runtime"},
    "adapters": {"base", "core", "format", "ports", "runtime", "adapters"},
    "services": {"base", "core", "format", "ports", "runtime", "services"},
    "cli": {"base", "core", "format", "ports", "runtime", "services", "adapters", "cli"},
}
# header of an outside library: the one folder that may include it
LIBRARIES = {
    "cjose/": "adapters/cjose",
    "curl/": "adapters/curl",
    "jansson.h": "adapters/cjose",
    "lzma.h": "format",
    "microhttpd.h": "adapters/microhttpd",
    "re2/": "adapters/regex",
    "sqlite3.h": "adapters/sqlite",
    "yaml.h": "format",
    "zlib.h": "format",
    "zstd.h": "format",
}
PURE_HEADERS = {
    "cpuid.h", "float.h", "immintrin.h", "inttypes.h", "limits.h", "math.h", "stdarg.h",
    "stdbool.h", "stddef.h", "stdint.h", "stdio.h", "stdlib.h", "string.h",
}
BASE_HEADERS = PURE_HEADERS | {
    "cassert", "charconv", "cmath", "cstring", "cstdint", "cstddef", "system_error", "errno.h",
    "sanitizer/asan_interface.h",
}
# What the core may call outside itself and base: memory and text in place, and the compiler's own.
CORE_CALLS = re.compile(
    r"_GLOBAL_OFFSET_TABLE_|mem(chr|rchr|cmp|cpy|mem|move|set)|str(n?len|n?cmp|chr|rchr|str|cspn|spn)"
    r"|qsort|bsearch|v?snprintf|__v?snprintf_chk|__mem(cpy|move|set)_chk|__stack_chk_fail"
    r"|__cpu_(model|indicator_init|features2)"
    r"|__\w+(ti|si|di|tf|df|sf)\d?")
BASE_CALLS = re.compile(
    CORE_CALLS.pattern + r"|abort|free|realloc|malloc|calloc|aligned_alloc|f(printf|puts|write|flush)"
    r"|__fprintf_chk|stderr|_ZSt(10from_chars|8to_chars)\w+")

INCLUDE = re.compile(r'^\s*#\s*include\s+(?:"([^"]+)"|<([^>]+)>)', re.M)


def folder_of(path):
    """Layer and module of a source: ('adapters', 'adapters/sqlite')."""
    parts = path.relative_to(SRC).parts
    return parts[0], "/".join(parts[:2]) if len(parts) > 2 else parts[0]


def breaches_of_own(layer, module, named):
    other = named.split("/")[0]
    if other not in MAY_SEE:
        yield f"includes \"{named}\": not from the source root"
    elif other not in MAY_SEE[layer]:
        yield f"includes \"{named}\": {layer} may not see {other}"
    elif layer == "adapters" and other == "adapters" and not named.startswith(module + "/"):
        yield f"includes \"{named}\": adapters do not see each other"


def breaches_of_outside(layer, module, named):
    pure = {"base": BASE_HEADERS, "core": PURE_HEADERS}.get(layer)
    if pure and named not in pure:
        yield f"includes <{named}>: not among the headers {layer} may use"
    for header, owner in LIBRARIES.items():
        if named.startswith(header) and owner not in (layer, module):
            yield f"includes <{named}>: only {owner} does"


def include_breaches():
    sources = sorted(path for path in SRC.rglob("*") if path.suffix in SUFFIXES)
    found = []
    for path in sources:
        layer, module = folder_of(path)
        if layer not in MAY_SEE:
            found.append(f"{path.relative_to(SRC.parent)}: {layer} is no known layer")
            continue
        for own, outside in INCLUDE.findall(path.read_text()):
            breaches = (breaches_of_own(layer, module, own) if own
                        else breaches_of_outside(layer, module, outside))
            found += [f"{path.relative_to(SRC.parent)}: {breach}" for breach in breaches]
    return len(sources), found


def symbols(archive, which):
    """Names with the objects that hold them: defined or undefined symbols of an archive."""
    shown = subprocess.run(["nm", "-A", which, str(archive)], check=True, capture_output=True,
                           text=True).stdout
    rows = [line.split() for line in shown.splitlines()]
    return {(row[-1], row[0].split(":")[1]) for row in rows if row}


def symbol_breaches(build):
    core, base = build / "src/core/libtt_core.a", build / "src/base/libtt_base.a"
    in_base = {name for name, _ in symbols(base, "--defined-only")}
    in_core = {name for name, _ in symbols(core, "--defined-only")}
    found, seen = [], 0
    for archive, own, calls in ((core, in_core | in_base, CORE_CALLS), (base, in_base, BASE_CALLS)):
        for name, unit in sorted(symbols(archive, "--undefined-only")):
            seen += 1
            if name not in own and not calls.fullmatch(name):
                found.append(f"{archive.name}({unit}): calls {name}")
    return seen, found


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__.split("\n\n")[1])
    files, found = include_breaches()
    names, called = symbol_breaches(pathlib.Path(sys.argv[1]))
    if files == 0 or names == 0:
        sys.exit("layer_check: nothing to check")
    for breach in found + called:
        print(breach)
    print(f"{files} files, {names} undefined symbols: {len(found) + len(called)} breaches")
    sys.exit(1 if found or called else 0)


main()
