# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What nobody outside the vendor knows for certain about refusals for want of a permission."""

from __future__ import annotations

from .variant import UNDOCUMENTED, Variant, variant

PERMISSIONS: tuple[Variant, ...] = (
    variant(
        "forbidden_rds",
        "Forbidden.RAM 403 | Forbidden 403 | NoPermission 403",
        "RDS refuses a caller whose policies do not allow the action.",
        "the appendix of client error codes against RAM's page about refusals",
    ),
    variant(
        "forbidden_dts",
        "Forbidden.RAM 403 | DTS.Msg.RamPermissionDenied 403",
        "DTS refuses a caller whose policies do not allow the action.",
        UNDOCUMENTED,
    ),
    variant(
        "forbidden_ram",
        "NoPermission 403 | Forbidden.RAM 403",
        "RAM or STS refuses a caller whose policies do not allow the action.",
        "RAM's page about refusals",
    ),
    variant(
        "access_denied_detail",
        "present | missing",
        "Whether a refusal of RDS, DTS, RAM or STS names the action that is missing.",
        "RAM's page about refusals, which shows it for some services",
    ),
)
