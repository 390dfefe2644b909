#!/usr/bin/env bash
# Says at once, and by name, which of the programs that a build needs are missing.
set -euo pipefail

missing=()
command -v cargo >/dev/null || missing+=("cargo: install Rust with rustup (rust-toolchain.toml names the version)")
command -v "${CXX:-c++}" >/dev/null || missing+=("${CXX:-c++}: a C++17 compiler (Debian: apt-get install g++)")
command -v python3 >/dev/null || missing+=("python3: with pip (Debian: apt-get install python3 python3-pip)")
if ((${#missing[@]})); then
    echo "error: building turnstone needs what is missing here:" >&2
    printf '  %s\n' "${missing[@]}" >&2
    exit 1
fi
