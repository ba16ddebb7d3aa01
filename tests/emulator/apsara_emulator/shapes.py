# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The last touch to an answer: shapes and types about which the service's own documentation is of two minds."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .variants import Variants

_COUNTS = ("TotalRecordCount", "PageRecordCount", "PageNumber")


def shaped(answer: dict[str, Any], contract: Mapping[str, Any], variants: Variants) -> dict[str, Any]:
    """`answer` with lists and counts as the variants have them. `contract` is the documented shape."""
    shape = variants["items_shape"]
    result = dict(answer)
    if shape != "documented":
        result = {key: _list_shaped(value, contract.get(key), shape) for key, value in answer.items()}
    if variants["total_record_count"] != "documented" and "TotalRecordCount" in result:
        kind = str if variants["total_record_count"] == "text" else int
        result.update({key: kind(result[key]) for key in _COUNTS if key in result})
    return result


def identified(answer: dict[str, Any], request_id: str) -> dict[str, Any]:
    """`answer` with its request id, unless it is one of the envelopes that have it in another place."""
    if answer.get("requestId") == "":
        return {**answer, "requestId": request_id, "data": {**answer["data"], "RequestId": request_id}}
    return answer if "requestId" in answer else {**answer, "RequestId": request_id}


def _list_shaped(value: Any, contract: Any, shape: str) -> Any:
    """A top-level list of an answer: `{"Wrapper": [...]}` or `[...]` as documented, in the wanted shape."""
    if isinstance(contract, list) and shape == "bare_object" and len(value) == 1:
        return value[0]
    if not (isinstance(contract, Mapping) and len(contract) == 1):
        return value
    ((wrapper, inner),) = contract.items()
    if not isinstance(inner, list) or shape == "documented" or wrapper not in value:
        return value
    if shape == "array":
        return value[wrapper]
    return {wrapper: value[wrapper][0]} if len(value[wrapper]) == 1 else value
