# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Real MariaDB servers, which stand in for MySQL at the ends of DTS jobs.

Nothing in here runs, and nothing outside Python's own library is imported, until somebody needs a server.
"""
