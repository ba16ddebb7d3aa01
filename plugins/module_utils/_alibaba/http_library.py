# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is private to the collection.

"""The requests library: imported in one place, quickly, and guarded where it is missing.

Every task of a playbook is a process of its own and pays for its imports. Most of what requests brings along is created
once and lives as long as the process, so looking for garbage in between costs a fifth of the import and finds nothing.
The collector stays off until the door (_module.py) lets the task begin.
"""

from __future__ import annotations

import gc

gc.disable()

try:
    import requests
    from requests.auth import AuthBase
except ImportError:
    # The door reports it with Ansible's own message. Sanity tests import this file without requests.
    HAS_REQUESTS = False
    requests = None  # type: ignore[assignment]  # a module elsewhere; nobody gets past the door here
    AuthBase = object  # type: ignore[assignment,misc]  # to have a class to inherit from
else:
    HAS_REQUESTS = True

__all__ = ["HAS_REQUESTS", "AuthBase", "requests"]
