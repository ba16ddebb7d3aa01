# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is private to the collection.

"""Documents of a DTS job as they are sent, and as they may be shown.

Reserve and DataCheckConfigure are open: what somebody set in the console or in `reserve` may be a key or a password of
a certificate. The plan and the diff show such values masked; what is sent is made from the same parts without masks.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from .._alibaba.dts_model import document_of
from .._alibaba.redaction import MASK
from .dts_migration_request import Request

_SECRET_NAME = re.compile(r"(?i)passw|pwd|secret|token|key|cert")
_DATA_CHECK = "DataCheckConfigure"


def compact(document: Mapping[str, Any]) -> str:
    return json.dumps(document, ensure_ascii=False, separators=(",", ":"))


def masked(document: Mapping[str, Any]) -> dict[str, Any]:
    """The document with a mask for each value, at any depth, whose name looks like that of a secret."""
    return {
        key: MASK if _SECRET_NAME.search(key) and value else _masked_value(value) for key, value in document.items()
    }


def job_parameters(request: Request) -> dict[str, Any]:
    """The further parameters of ConfigureDtsJob, masked."""
    check = document_of(request.job.get(_DATA_CHECK))
    return {**request.job, _DATA_CHECK: json.dumps(masked(check), sort_keys=True)} if check else dict(request.job)


def new_settings(request: Request) -> dict[str, Any]:
    """Reserve of a job that is made."""
    return {"targetTableMode": "0", **request.settings}


def merged_settings(request: Request, reserved: str | None) -> dict[str, Any]:
    """Reserved of a job that is there, with what was asked for."""
    return {**(document_of(reserved) or {}), **request.settings}


def with_secrets(request: Request, reserved: str | None, parameters: Mapping[str, Any]) -> dict[str, Any]:
    """The parameters of a step as they are sent. reserved: of the job when the step was planned."""
    sent = dict(parameters)
    for name, whole in (("Reserve", new_settings(request)), ("Reserved", merged_settings(request, reserved))):
        if MASK in str(sent.get(name)):
            sent[name] = compact(whole)
    if MASK in str(sent.get(_DATA_CHECK)):
        sent[_DATA_CHECK] = request.job[_DATA_CHECK]
    return sent


def _masked_value(value: Any) -> Any:
    """Structures may stand in a text as well."""
    if isinstance(value, Mapping):
        return masked(value)
    if isinstance(value, list):
        return [_masked_value(one) for one in value]
    inside = document_of(value) if isinstance(value, str) else None
    if inside is None:
        return value
    return compact(masked(inside)) if masked(inside) != inside else value
