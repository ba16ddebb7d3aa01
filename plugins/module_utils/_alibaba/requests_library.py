# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is private to the collection.

"""The requests library, which oss2 stands on: only what talks to OSS pays for its import."""

from __future__ import annotations

try:
    import requests
except ImportError:
    # Where oss2 is missing this says so. Sanity tests import this file without either.
    requests = None  # type: ignore[assignment]  # a module elsewhere; nobody gets past library() here

__all__ = ["requests"]
