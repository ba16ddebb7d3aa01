# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What goes wrong with real servers."""

from __future__ import annotations


class ServerError(RuntimeError):
    """A server could not be made, started or asked. The text says why, with the end of its log."""
