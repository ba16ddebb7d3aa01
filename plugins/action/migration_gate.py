# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The gate in front of a cut-over. Runs where ansible-playbook runs, and writes to nothing but its own file."""

from __future__ import annotations

import datetime
import pathlib
from typing import Any

from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase
from ansible.utils.display import Display

from ..plugin_utils import _gate as gate
from ..plugin_utils._gate_hold import StillHeld, hold

CHECK_SPEC = {
    "name": {"type": "str", "required": True},
    "status": {"type": "str", "required": True, "choices": ["pass", "warn", "fail", "unknown"]},
    "detail": {"type": "str", "required": True},
    "remedy": {"type": "str", "default": ""},
}
SPEC = {
    "instance_id": {"type": "str", "required": True},
    "what": {"type": "str", "required": True},
    "confirm": {"type": "str"},
    "confirm_variable": {"type": "str", "default": "confirm"},
    "checks": {"type": "list", "elements": "dict", "default": [], "options": CHECK_SPEC},
    "accept": {"type": "list", "elements": "str", "default": []},
    "require_approval": {"type": "bool", "default": False},
    "approved_plan": {"type": "str"},
    "window": {
        "type": "dict",
        "options": {"from": {"type": "str", "required": True}, "to": {"type": "str", "required": True}},
    },
    "postpone": {"type": "bool", "default": False},
    "postpone_file": {"type": "path"},
    "postpone_timeout": {"type": "float", "default": 3600},
}


class ActionModule(ActionBase):
    """Opens, or fails with everything that keeps it shut."""

    TRANSFERS_FILES = False
    _supports_check_mode = True
    _requires_connection = False

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        result: dict[str, Any] = super().run(tmp, task_vars)
        _spec, options = self.validate_argument_spec(
            argument_spec=SPEC, required_if=[("postpone", True, ["postpone_file"])]
        )
        rehearsal = bool(self._task.check_mode)
        outcome = self._passed(options, rehearsal)
        if not outcome["failed"] and options["postpone_file"] and not rehearsal:
            held = self._held(options)
            # The hour may be another by now.
            outcome = {**self._passed(options, rehearsal), "held_seconds": round(held, 1)}
        return {**result, "changed": False, "predicted": rehearsal, **outcome}

    @staticmethod
    def _held(options: dict[str, Any]) -> float:
        try:
            return hold(
                pathlib.Path(options["postpone_file"]),
                what=options["what"],
                make=options["postpone"],
                timeout=options["postpone_timeout"],
                say=Display().display,
            )
        except StillHeld as reason:
            raise AnsibleActionFail(f"{reason} Nothing was written.") from None

    @staticmethod
    def _passed(options: dict[str, Any], rehearsal: bool) -> dict[str, Any]:
        try:
            checks = gate.checks_of(options, datetime.datetime.now().astimezone(), rehearsal=rehearsal)
        except gate.BadWindow as wrong:
            raise AnsibleActionFail(f"{wrong} Nothing was written.") from None
        refusal = gate.refusal(options["what"], checks)
        statuses = {check["status"] for check in checks}
        verdict = "no_go" if "fail" in statuses else "review" if statuses & {"warn", "unknown"} else "go"
        told = {"msg": refusal} if refusal else {}
        return {"failed": bool(refusal), "checks": checks, "verdict": verdict, "held_seconds": 0.0, **told}
