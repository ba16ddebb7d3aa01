# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Make one report of the records of all hosts. Runs where ansible-playbook runs, in check mode too."""

from __future__ import annotations

import json
import pathlib
import time
from typing import Any

from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase

from ..plugin_utils import _report_folder as report_folder
from ..plugin_utils._report_data import report_of
from ..plugin_utils._report_values import mapping_of, moment_of, text_of

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
            report, changed = made_in(folder, text_of(options["title"], 300) or _TITLE)
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


def made_in(folder: pathlib.Path, title: str) -> tuple[dict[str, Any], bool]:
    """The report, and whether its files are others than before, apart from the time. Raises OSError."""
    # Heavy, and only needed here.
    from ..plugin_utils._report_page import page_of

    page, data = folder / report_folder.PAGE, folder / report_folder.DATA
    files = list(report_folder.records_in(folder))
    before = report_folder.text_in(data)
    known = _moment_in(before)
    if known:
        report = report_of(files, title=title, created=known)
        if _written(report) == before and page_of(report) == report_folder.text_in(page):
            return report, False
    report = report_of(files, title=title, created=time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()))
    report_folder.write(data, _written(report))
    report_folder.write(page, page_of(report))
    return report, True


def _written(report: dict[str, Any]) -> str:
    return json.dumps(report, ensure_ascii=False, indent=1) + "\n"


def _moment_in(text: str | None) -> str | None:
    try:
        return moment_of(mapping_of(json.loads(text or "")).get("created"))
    except (ValueError, RecursionError):
        return None
