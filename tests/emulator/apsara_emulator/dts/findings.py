# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Items of a precheck as they are shown."""

from __future__ import annotations

import zlib

from ..transmission.model import DtsFinding, DtsJob
from ..world import World

# The items whose codes are documented.
SKIPPABLE = (
    "CHECK_SAME_OBJ",
    "CHECK_SAME_USER",
    "CHECK_SRC",
    "CHECK_TOPOLOGY",
    "CHECK_SERVER_ID",
    "CHECK_DEST_TABLE_EMPTY",
    "CHECK_SUPER_AUTH_DEST",
)


def is_open(job: DtsJob, finding: DtsFinding) -> bool:
    """Whether the item stands in the way."""
    return bool(finding.problem) and not (finding.can_skip and finding.item in job.skipped)


def item_code(world: World, finding: DtsFinding, number: int) -> str:
    """The code of an item; of those that are not documented it may be anything."""
    if finding.item in SKIPPABLE or world.variants["precheck_codes"] == "speaking":
        return finding.item
    return f"CHECK_{zlib.crc32(finding.item.encode()) % 900 + 100}_{number}"


def codes_of(world: World, job: DtsJob) -> dict[str, DtsFinding]:
    """The items of a job by the code they are shown with."""
    return {item_code(world, one, number): one for number, one in enumerate(job.findings)}
