# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Record what the modules of a role said. Runs where ansible-playbook runs, in check mode too."""

from __future__ import annotations

import pathlib
from typing import Any

from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase
from ansible.release import __version__ as ansible_version

from ..plugin_utils import _record_file as record_file


class ActionModule(ActionBase):
    """A rehearsal is kept as what was promised, so its file is written in check mode. It is no part of what changes."""

    TRANSFERS_FILES = False
    _supports_check_mode = True
    _requires_connection = False

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        result: dict[str, Any] = super().run(tmp, task_vars)
        _spec, options = self.validate_argument_spec(
            argument_spec={
                "folder": {"type": "str", "required": True},
                "role": {"type": "str", "required": True},
                "phase": {"type": "str", "required": True},
                "entries": {"type": "list", "elements": "dict", "default": []},
                "failed": {"type": "dict"},
                "guidance": {"type": "dict", "default": {}},
                "approved_plan": {"type": "str"},
            }
        )
        if not options["folder"]:
            return {**result, "changed": False, "path": None, "msg": "No folder for records is set."}
        host = str((task_vars or {}).get("inventory_hostname") or "localhost")
        kind = record_file.REHEARSAL if self._task.check_mode else record_file.RUN
        path = record_file.path_of(options["folder"], host, kind)
        if record_file.is_same(path, options["approved_plan"]):
            return {**result, "changed": False, "path": str(path), "msg": f"{path} is approved and is left as it is."}
        try:
            self._record(path, host, kind, options)
        except OSError as error:
            raise AnsibleActionFail(
                f"{path} cannot be written: {error.strerror}. Set the folder to one that can, or to '' for none."
            ) from None
        return {**result, "changed": False, "path": str(path)}

    def _record(self, path: pathlib.Path, host: str, kind: str, options: dict[str, Any]) -> None:
        moment = record_file.Moment(options["role"], options["phase"], record_file.this_run())
        made = [record_file.entry(told, moment) for told in options["entries"]]
        entries = [row for row in made if row is not None]
        failed = options["failed"]
        if failed and not any(row["failed"] for row in entries):
            entries.append(record_file.failure_entry(failed, moment))
        with record_file.alone(path):
            before, is_run = record_file.read(path), kind == record_file.RUN
            known = record_file.merged(before, entries, moment, keep_changes=is_run)
            guidance, role = options["guidance"], options["role"]
            record_file.write(path, record_file.document(host, role, kind, guidance, known, ansible_version))
