#!/bin/sh
# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Install Debian's Chromium for the tests that open the report in a browser, as root and where there is none. It never
# fails: what needs a browser says that it did not run.

has_chromium() {
    for name in chromium chromium-browser google-chrome google-chrome-stable; do
        command -v "$name" >/dev/null 2>&1 && return 0
    done
    return 1
}

install_package() {
    DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=120 install -qq -y --no-install-recommends chromium \
        >"$log" 2>&1 </dev/null
}

has_chromium && exit 0
[ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1 || exit 0

log=$(mktemp) || exit 0
trap 'rm -f "$log"' EXIT
trap 'exit 1' HUP INT TERM

echo "Installing chromium for the tests of the report"
install_package || { apt-get update -qq >"$log" 2>&1 && install_package; } || {
    echo "chromium was not installed, tests that need it will not run:" >&2
    tail -n 3 "$log" >&2
}
exit 0
