# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The data transmission service, API version 2020-01-01. Importing the rooms registers their actions."""

from . import alarms, changes, configure, connection, detail, listing, network, precheck_status, purchase, run, tags

__all__ = [
    "alarms",
    "changes",
    "configure",
    "connection",
    "detail",
    "listing",
    "network",
    "precheck_status",
    "purchase",
    "run",
    "tags",
]
