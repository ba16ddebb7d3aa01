#!/bin/sh
# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Create or refresh .venv in the repository root: the pinned tools, the emulator, and the collection itself.

set -eu
cd "$(dirname "$0")/../.."

if ! .venv/bin/python -c "import sys; sys.exit(sys.prefix != '$PWD/.venv')" 2>/dev/null; then
    python=$(sh tests/utils/find-python.sh)
    echo "Creating .venv with $python"
    rm -rf .venv
    if ! "$python" -m venv .venv >/dev/null 2>&1; then
        # Some distributions package ensurepip separately; a pip outside can do its work.
        rm -rf .venv
        "$python" -m venv --without-pip .venv
        "$python" -m pip --python .venv/bin/python install -qq --requirement tests/utils/pins/pip.txt
    fi
fi

# Nothing is installed whose hash is not among the pins.
pins=tests/utils/pins
export PIP_BUILD_CONSTRAINT="$pins/build.txt"
.venv/bin/python -m pip install -qq --requirement "$pins/pip.txt"
.venv/bin/python -m pip install -qq --constraint constraints.txt --constraint "$pins/venv.txt" \
    --requirement requirements-dev.txt
# "compat" adds a folder to the path; the default would run code at each start of Python, which is each task of a play.
# A folder has no hash; what the emulator needs is there already.
.venv/bin/python -m pip install -qq --no-deps --config-settings editable_mode=compat --editable tests/emulator

# Ansible looks for collections in site-packages, so whatever runs from .venv sees the working tree itself.
site_packages=$(.venv/bin/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')
mkdir -p "$site_packages/ansible_collections/apsaradb"
ln -sfn "$PWD" "$site_packages/ansible_collections/apsaradb/migration"
