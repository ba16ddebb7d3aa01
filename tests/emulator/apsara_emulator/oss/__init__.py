# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Alibaba Cloud OSS: buckets and objects, as far as migrations use them.

`service.OssService` answers requests, `server` and `requests_adapter` carry them, `library` is how other rooms of the
emulator read objects (`world.oss`).
"""
