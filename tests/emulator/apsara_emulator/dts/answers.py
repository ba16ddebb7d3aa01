# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The envelope of answers, and the two ways in which the service refuses."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from ..contracts import load_contracts
from ..errors import ApiError
from ..registry import Answer, Call, Handler, action
from ..world import World


class RefusedInBodyError(Exception):
    """A refusal with HTTP status 200: `Success` is false, the rest is in ErrCode, ErrMessage and DynamicMessage."""

    def __init__(self, code: str, template: str, dynamic: str) -> None:
        super().__init__(code)
        self.code = code
        self.template = template
        self.dynamic = dynamic


def refusal(world: World, variant: str, template: str, dynamic: str = "") -> Exception:
    """The exception that a variant of the form `CODE STATUS` names. `template` has a %s for `dynamic`, or none."""
    code, _blank, status = world.variants[variant].partition(" ")
    if status == "200":
        return RefusedInBodyError(code, template, dynamic)
    return ApiError(code, int(status), template.replace("%s", dynamic))


def dts_action(name: str, *, mutating: bool) -> Callable[[Handler], Handler]:
    """Decorator: the function answers an action of DTS with the fields beside the envelope."""

    def register(handler: Handler) -> Handler:
        @wraps(handler)
        def answer(world: World, call: Call) -> Answer:
            try:
                return _enveloped(world, name, handler(world, call), True)
            except RefusedInBodyError as error:
                call.took_effect = False
                filled = world.variants["dynamic_message"] == "filled"
                fields = {
                    "ErrCode": error.code,
                    "ErrMessage": error.template.replace("%s", error.dynamic) if filled else error.template,
                }
                if "DynamicMessage" in load_contracts()["dts"][name].response and error.dynamic:
                    fields["DynamicMessage"] = error.dynamic
                return _enveloped(world, name, fields, False)

        action("dts", name, mutating=mutating)(answer)
        return answer

    return register


def _enveloped(world: World, name: str, fields: Answer, success: bool) -> Answer:
    shape = load_contracts()["dts"][name].response
    envelope: dict[str, Any] = {}
    if "Success" in shape:
        kind = world.variants["success_type"]
        is_text = shape["Success"] == "string" if kind == "documented" else kind == "text"
        envelope["Success"] = str(success).lower() if is_text else success
    if "HttpStatusCode" in shape:
        envelope["HttpStatusCode"] = "200" if shape["HttpStatusCode"] == "string" else 200
    return {**fields, **envelope}
