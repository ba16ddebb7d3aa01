# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Say which way to migrate fits. Runs where ansible-playbook runs, reads nothing and writes nothing."""

from __future__ import annotations

from typing import Any

from ansible.plugins.action import ActionBase

from ..plugin_utils._advice import advice_of
from ..plugin_utils._advice_rule import PATHS

_ENGINES = ["MySQL", "MariaDB", "PostgreSQL", "SQLServer"]
_SIDE = {
    "engine": {"type": "str", "choices": _ENGINES},
    "version": {"type": "str"},
    "region": {"type": "str"},
    "instance_id": {"type": "str"},
    "account_id": {"type": "str"},
}
_SOURCE = {
    **_SIDE,
    "kind": {"type": "str", "choices": ["rds", "self_managed"], "required": True},
    "has_credentials": {"type": "bool", "default": False},
    "databases": {"type": "list", "elements": "str"},
    "size_gb": {"type": "float"},
    "path": {"type": "str"},
}
_LOOK = {
    "path": {"type": "str", "choices": list(PATHS), "required": True},
    "module": {"type": "str", "required": True},
    "result": {"type": "dict", "default": {}},
}
SPEC = {
    "source": {"type": "dict", "required": True, "options": _SOURCE},
    "target": {"type": "dict", "default": {}, "options": _SIDE},
    "wishes": {
        "type": "dict",
        "default": {},
        "options": {"downtime": {"type": "float"}, "way_back": {"type": "bool", "default": False}},
    },
    "source_seen": {"type": "dict", "default": {}},
    "target_seen": {"type": "dict", "default": {}},
    "backups_seen": {"type": "dict", "default": {}},
    "looks": {"type": "list", "elements": "dict", "default": [], "options": _LOOK},
}


class ActionModule(ActionBase):
    """Judges what it is given; the looks are other tasks."""

    TRANSFERS_FILES = False
    _supports_check_mode = True
    _requires_connection = False

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        result: dict[str, Any] = super().run(tmp, task_vars)
        _spec, options = self.validate_argument_spec(argument_spec=SPEC)
        seen = {about: _told(options[f"{about}_seen"]) for about in ("source", "target", "backups")}
        advice = advice_of(options["source"], options["target"], options["wishes"], seen, options["looks"])
        return {**result, "changed": False, "predicted": True, **advice}


def _told(result: dict[str, Any]) -> dict[str, Any]:
    """Nothing of a task that was left out."""
    return {} if result.get("skipped") else result
