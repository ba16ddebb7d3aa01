#!/bin/sh
# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Print the path of a Python that can run the tool chain: the versions that ansible-core 2.19 supports on the
# controller, working (a shim of a version manager may exist for a version that is not active, and then fails),
# and able to give a virtual environment its pip.

usable='
import importlib.util, ssl, sys, venv
if (3, 11) <= sys.version_info[:2] <= (3, 13) and any(map(importlib.util.find_spec, ("ensurepip", "pip"))):
    print(sys.executable)
'
for candidate in ${PYTHON:+"$PYTHON"} python3 python3.11 python3.12 python3.13 \
    "${PYENV_ROOT:-$HOME/.pyenv}"/versions/*/bin/python3; do
    found=$(command -v "$candidate") || continue
    python=$("$found" -c "$usable" 2>/dev/null) && [ -n "$python" ] || continue
    echo "$python"
    exit 0
done
echo "No usable Python 3.11, 3.12 or 3.13 (with venv and pip) was found; name one with PYTHON=..." >&2
exit 1
