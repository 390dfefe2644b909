#!/usr/bin/env bash
# Keeps two Python environments as their requirements files pin them: .tools/venv for the gRPC client test and .tools/llm with
# the local language model (tools/local-llm.py). `ensure-venv.sh llm` makes only that one.
# It uses this machine's pip, so that neither ensurepip nor python3-venv has to be installed.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

# ensure NAME REQUIREMENTS CHECK: the folder .tools/NAME with what REQUIREMENTS pins, in which the Python statement CHECK works.
ensure() {
    local venv=.tools/$1 requirements=$2 check=$3 wanted packages
    wanted="$(sha256sum "$requirements") $(python3 -c 'import sys; print(sys.executable, sys.version)')"
    is_there() { [[ -x $venv/bin/python && $(cat "$venv/.wanted" 2>/dev/null) == "$wanted" ]]; }
    is_there && return

    python3 -m pip --version >/dev/null 2>&1 || {
        echo "error: python3 has no pip, which the tests need (Debian: apt-get install python3-pip)" >&2
        exit 1
    }
    mkdir -p .tools
    exec 9>"$venv.lock"
    flock 9
    is_there && return
    rm -rf "$venv"
    python3 -m venv --without-pip "$venv"
    packages=$("$venv/bin/python" -c 'import sysconfig; print(sysconfig.get_path("purelib"))')
    PIP_ROOT_USER_ACTION=ignore python3 -m pip install --quiet --disable-pip-version-check --no-deps --only-binary=:all: --target "$packages" \
        --requirement "$requirements"
    "$venv/bin/python" -c "$check"
    printf '%s\n' "$wanted" >"$venv/.wanted"
    exec 9>&-
}

case ${1:-all} in
    all | venv) ensure venv tools/requirements-test.txt 'import grpc, grpc_tools.protoc' ;;&
    all | llm) ensure llm tools/requirements-llm.txt 'import xllamacpp' ;;&
    all | venv | llm) ;;
    *) echo "usage: $0 [venv | llm]" >&2 && exit 2 ;;
esac
