# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is private to the collection.

"""The library that calls go through: imported in one place, quickly, and guarded where it is missing.

urllib3 comes with requests, which is what users install, and does all that a call needs; requests around it would cost
every task a third more time to import. Every task of a playbook is a process of its own and pays for its imports. Most
of what a library brings along is created once and lives as long as the process, so looking for garbage in between costs
a fifth of the import and finds nothing. The collector stays off until the door (_module.py) lets the task begin.
"""

from __future__ import annotations

import gc

gc.disable()

try:
    import urllib3
    from urllib3.exceptions import HTTPError
except ImportError:
    # The door reports it with Ansible's own message. Sanity tests import this file without the library.
    HAS_URLLIB3 = False
    urllib3 = None  # type: ignore[assignment]  # a module elsewhere; nobody gets past the door here
    HTTPError = OSError  # type: ignore[assignment,misc]  # to have a class to catch
else:
    HAS_URLLIB3 = True

__all__ = ["HAS_URLLIB3", "HTTPError", "urllib3"]
