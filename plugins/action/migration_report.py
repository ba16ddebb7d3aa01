# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Make one report of the records of all hosts. Runs where ansible-playbook runs, in check mode too."""

from __future__ import annotations

import pathlib
from typing import Any

from ansible import constants
from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase

from ..plugin_utils import _report_folder as report_folder
from ..plugin_utils._report_files import made_in
from ..plugin_utils._report_values import text_of

_TITLE = "Migration report"


class ActionModule(ActionBase):
    """A rehearsal is reported on as well, so the report is written in check mode. It is no part of what is migrated."""

    TRANSFERS_FILES = False
    _supports_check_mode = True
    _requires_connection = False

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        result: dict[str, Any] = super().run(tmp, task_vars)
        _spec, options = self.validate_argument_spec(
            argument_spec={
                "folder": {"type": "str", "default": "apsaradb-migration"},
                "title": {"type": "str", "default": _TITLE},
            }
        )
        folder = pathlib.Path(text_of(options["folder"])).expanduser().absolute()
        try:
            # Ansible's folder goes with the playbook, and is its user's alone.
            report, changed = made_in(folder, text_of(options["title"], 300) or _TITLE, constants.DEFAULT_LOCAL_TMP)
        except OSError as error:
            raise AnsibleActionFail(
                f"There is no report of {error.filename or folder}: {error.strerror}. Set folder to where the records "
                "of the roles are, and let it be written to."
            ) from None
        return {
            **result,
            "changed": changed,
            "path": str(folder / report_folder.PAGE),
            "data_path": str(folder / report_folder.DATA),
            "verdict": report["verdict"],
            "outcome": report["outcome"],
            "counts": report["counts"],
            "unreadable": report["unreadable"],
        }
