#!/usr/bin/env bash
# Prints the path of a Chromium or Chrome for the tests of the web user interface: TURNSTONE_BROWSER, or what is installed.
# On Debian and its kin it installs one when it may; elsewhere it says what is missing. It starts nothing.
set -euo pipefail

if [[ -n ${TURNSTONE_BROWSER:-} ]]; then
    command -v "$TURNSTONE_BROWSER" && exit
    echo "error: TURNSTONE_BROWSER=$TURNSTONE_BROWSER is no program" >&2
    exit 1
fi

find_browser() {
    local name
    for name in chromium chromium-browser google-chrome google-chrome-stable chrome microsoft-edge \
        "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome" /Applications/Chromium.app/Contents/MacOS/Chromium; do
        command -v "$name" && return
    done
    return 1
}

find_browser && exit
if [[ $(id -u) == 0 ]] && command -v apt-get >/dev/null; then
    echo "installing chromium for the tests" >&2
    export DEBIAN_FRONTEND=noninteractive
    apt-get update -q >&2
    apt-get install -q -y --no-install-recommends chromium >&2
    find_browser && exit
fi
cat >&2 <<'MESSAGE'
error: the tests of the web user interface need Chromium or Chrome, and neither is in PATH.
Install one (Debian: apt-get install chromium; Fedora: dnf install chromium; macOS: brew install --cask google-chrome),
or set TURNSTONE_BROWSER to the program.
MESSAGE
exit 1
