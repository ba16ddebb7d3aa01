# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""CancelImport, which the vendor has taken offline. It stops imports; a copy cannot be stopped."""

from __future__ import annotations

from ..errors import ApiError
from ..operations import cancel
from ..registry import Answer, Call, action
from ..world import World


@action("rds", "CancelImport", mutating=True)
def cancel_import(world: World, call: Call) -> Answer:
    """Stop a running import into this instance; nothing half-copied stays."""
    instance = world.instance(call.account_id, call.text("DBInstanceId"))
    wanted = int(call.text("ImportId"))
    found = next(
        (
            one
            for one in world.state.operations
            if one.id == wanted and one.kind == "import" and one.target == instance.id
        ),
        None,
    )
    if found is None:
        raise ApiError("InvalidTaskId.NotFound", 400, f"There is no import {wanted} into {instance.id}.")
    if found.state != "running":
        raise ApiError("OperationDenied.IncorrectTaskStatus", 403, f"The import {wanted} is {found.state}.")
    cancel(world, found)
    return {}
