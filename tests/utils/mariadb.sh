#!/bin/sh
# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Install Debian's or Ubuntu's MariaDB for tests that need a real server, as root and where there is none. The
# distribution's own server is not started. It never fails: what needs MariaDB says that it did not run.

policy=/usr/sbin/policy-rc.d

has_mariadb() {
    # Debian keeps servers where an ordinary user's PATH may not lead.
    PATH="$PATH:/usr/sbin:/usr/local/sbin"
    command -v mariadbd >/dev/null 2>&1 && command -v mariadb-dump >/dev/null 2>&1 &&
        command -v mariadb-binlog >/dev/null 2>&1 && command -v mariadb-install-db >/dev/null 2>&1
}

install_package() {
    DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=120 install -qq -y --no-install-recommends mariadb-server \
        >"$log" 2>&1 </dev/null
}

has_mariadb && exit 0
[ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1 || exit 0

log=$(mktemp) || exit 0
made_policy=
trap 'rm -f "$log"; [ -z "$made_policy" ] || rm -f "$policy"' EXIT
trap 'exit 1' HUP INT TERM
if ! [ -e "$policy" ] && printf '#!/bin/sh\nexit 101\n' >"$policy"; then
    made_policy=yes
    chmod 755 "$policy"
fi

echo "Installing mariadb-server for the tests of MySQL"
install_package || { apt-get update -qq >"$log" 2>&1 && install_package; } || {
    echo "mariadb-server was not installed, tests that need it will not run:" >&2
    tail -n 3 "$log" >&2
}
exit 0
