# Shared by the scripts in script/: where things are and how a step is run. Sourced, not executed.
# shellcheck shell=bash

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
# shellcheck disable=SC2034  # read by the scripts that source this file
venv=$root/.venv            # Python packages of the tests
node_venv=$root/.cache/node # Node from PyPI, where the system's is too old
local_bin=$root/.cache/bin  # tools unpacked without being installed

say() { printf '%s\n' "$*" >&2; }

die() {
    say "$(basename "$0"): $*"
    exit 1
}

# quietly WHAT COMMAND…: says WHAT, and shows the command's output only if it fails.
quietly() {
    local what=$1 log status=0 began=$SECONDS
    shift
    log=$(mktemp)
    say "$what …"
    "$@" >"$log" 2>&1 </dev/null || status=$?
    if ((status)); then
        cat "$log" >&2
        rm -f "$log"
        say "$what: failed with status $status"
        return "$status"
    fi
    rm -f "$log"
    ((SECONDS - began < 5)) || say "$what: $((SECONDS - began)) s"
}

# Node of dashboard/package.json's engines (20.19 or newer) with npm 10 or newer.
node_is_new_enough() {
    local version major minor
    version=$("$1" --version 2>/dev/null) || return 1
    IFS=. read -r major minor _ <<<"${version#v}"
    ((major > 20 || (major == 20 && minor >= 19)))
}

# Puts the Node that script/setup chose first on PATH: the system's, else the one from PyPI.
use_node() {
    if command -v node >/dev/null && command -v npm >/dev/null && node_is_new_enough node; then
        return 0
    fi
    if node_is_new_enough "$node_venv/bin/node"; then
        PATH=$node_venv/bin:$PATH
        return 0
    fi
    return 1
}

if [[ -d $local_bin ]]; then PATH=$local_bin:$PATH; fi
export PATH
