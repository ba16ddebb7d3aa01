# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Tags of DTS instances."""

from __future__ import annotations

from ..errors import ApiError
from ..registry import Answer, Call
from ..transmission.model import DtsJob
from ..world import World
from .answers import dts_action, refusal
from .lookup import jobs_of

_TYPE = "ALIYUN::DTS::INSTANCE"
_MOST = 20


@dts_action("TagResources", mutating=True)
def tag_resources(world: World, call: Call) -> Answer:
    """Set tags of instances."""
    tags = _tags(call)
    if not tags:
        raise ApiError("MissingParameter", 400, "The parameter Tag is required by TagResources.")
    for job in _resources(world, call):
        if len({*job.tags, *tags}) > _MOST:
            raise refusal(world, "bad_dts_parameter", "An instance has at most %s tags.", str(_MOST))
        job.tags |= tags
    return {}


@dts_action("UntagResources", mutating=True)
def untag_resources(world: World, call: Call) -> Answer:
    """Remove tags of instances: those named, or all."""
    keys = _listed(call, "TagKey")
    for job in _resources(world, call):
        job.tags = {} if call.flag("All") and not keys else {k: v for k, v in job.tags.items() if k not in keys}
    return {}


@dts_action("ListTagResources", mutating=False)
def list_tag_resources(world: World, call: Call) -> Answer:
    """Tags of instances."""
    _require_type(world, call)
    ids, wanted = _listed(call, "ResourceId"), _tags(call)
    rows = [
        {"ResourceId": job.instance_id, "ResourceType": _TYPE, "TagKey": key, "TagValue": value}
        for job in jobs_of(world, call.account_id)
        if (not ids or job.instance_id in ids) and wanted.items() <= job.tags.items()
        for key, value in job.tags.items()
    ]
    return {"TagResources": {"TagResource": rows}}


def _resources(world: World, call: Call) -> list[DtsJob]:
    _require_type(world, call)
    mine = {one.instance_id: one for one in jobs_of(world, call.account_id)}
    ids = _listed(call, "ResourceId")
    for one in ids:
        if one not in mine:
            raise refusal(world, "job_not_found", "There is no job or instance %s.", one[:64])
    return [mine[one] for one in ids]


def _require_type(world: World, call: Call) -> None:
    if call.text("ResourceType") not in ("", _TYPE):
        raise refusal(world, "bad_dts_parameter", "ResourceType is %s.", _TYPE)


def _tags(call: Call) -> dict[str, str]:
    numbers = range(1, _MOST + 1)
    pairs = ((call.text(f"Tag.{number}.Key"), call.text(f"Tag.{number}.Value")) for number in numbers)
    return {key: value for key, value in pairs if key}


def _listed(call: Call, name: str) -> list[str]:
    return [value for number in range(1, 51) if (value := call.text(f"{name}.{number}"))]
