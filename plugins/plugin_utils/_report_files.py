# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This plugin util is private to the collection.

"""The report's two files, made of the records in a folder."""

from __future__ import annotations

import json
import pathlib
import time
from typing import Any

from . import _report_folder as report_folder
from . import _whole_file as whole_file
from ._report_data import report_of
from ._report_values import mapping_of, moment_of


def made_in(folder: pathlib.Path, title: str, translations: str | None = None) -> tuple[dict[str, Any], bool]:
    """The report, and whether its files are others than before, apart from the time. Raises OSError.

    translations: as page_of() takes it.
    """
    # Heavy, and only needed here.
    from ._report_page import page_of

    page, data = folder / report_folder.PAGE, folder / report_folder.DATA
    files = list(report_folder.records_in(folder))
    before = report_folder.text_in(data)
    known = _moment_in(before)
    if known:
        report = report_of(files, title=title, created=known)
        if _written(report) == before and page_of(report, translations) == report_folder.text_in(page):
            return report, False
    report = report_of(files, title=title, created=time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()))
    whole_file.write(data, _written(report))
    whole_file.write(page, page_of(report, translations))
    return report, True


def _written(report: dict[str, Any]) -> str:
    return json.dumps(report, ensure_ascii=False, indent=1) + "\n"


def _moment_in(text: str | None) -> str | None:
    try:
        return moment_of(mapping_of(json.loads(text or "")).get("created"))
    except (ValueError, RecursionError):
        return None
