#!/usr/bin/env bash
# Keeps .tools/venv with the Python packages that the gRPC client test needs, as pinned in requirements-test.txt.
# It uses this machine's pip, so that neither ensurepip nor python3-venv has to be installed.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

venv=.tools/venv
wanted="$(sha256sum tools/requirements-test.txt) $(python3 -c 'import sys; print(sys.executable, sys.version)')"
[[ -x $venv/bin/python && $(cat "$venv/.wanted" 2>/dev/null) == "$wanted" ]] && exit 0

python3 -m pip --version >/dev/null 2>&1 || {
    echo "error: python3 has no pip, which the gRPC client test needs (Debian: apt-get install python3-pip)" >&2
    exit 1
}
mkdir -p .tools
exec 9>.tools/venv.lock
flock 9
[[ -x $venv/bin/python && $(cat "$venv/.wanted" 2>/dev/null) == "$wanted" ]] && exit 0
rm -rf "$venv"
python3 -m venv --without-pip "$venv"
packages=$("$venv/bin/python" -c 'import sysconfig; print(sysconfig.get_path("purelib"))')
PIP_ROOT_USER_ACTION=ignore python3 -m pip install --quiet --disable-pip-version-check --no-deps --only-binary=:all: --target "$packages" \
    --requirement tools/requirements-test.txt
"$venv/bin/python" -c 'import grpc, grpc_tools.protoc'
printf '%s\n' "$wanted" >"$venv/.wanted"
