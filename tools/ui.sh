#!/usr/bin/env bash
# Works on the web user interface in crates/query/ui. `ui.sh build` makes its dist, which cargo puts into the programs, and does
# nothing when that is newer than all that it is made of; `ui.sh npm ARGUMENT...` runs npm there, with the packages of the lock file.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

node_folder=$(tools/ensure-node.sh)
export PATH="$node_folder:$PATH" NO_UPDATE_NOTIFIER=1
ui=crates/query/ui
mkdir -p .tools

# Installs what package-lock.json names, unless that is what is there.
install() {
    local wanted stamp=$ui/node_modules/.wanted
    wanted="$(sha256sum <$ui/package-lock.json) $(node --version)"
    [[ $(cat "$stamp" 2>/dev/null) == "$wanted" ]] && return
    (cd $ui && npm ci --no-audit --no-fund --loglevel=error)
    printf '%s\n' "$wanted" >"$stamp"
}

is_built() {
    local newer
    [[ -f $ui/dist/.built ]] || return 1
    newer=$(find $ui proto tools/ui.sh \( -path $ui/node_modules -o -path $ui/dist -o -path $ui/src/gen -o -path $ui/test \) -prune -o \
        -newer $ui/dist/.built -type f -print -quit)
    [[ -z $newer ]]
}

# One at a time: two builds would write the same files.
exec 9>.tools/ui.lock
flock 9
case ${1:-} in
    build)
        is_built && exit
        install
        (cd $ui && npm run --silent build)
        ;;
    npm)
        install
        exec 9>&-
        cd $ui
        exec npm "${@:2}"
        ;;
    *) echo "usage: $0 build | npm ARGUMENT..." >&2 && exit 2 ;;
esac
