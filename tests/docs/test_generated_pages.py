# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Pages that are made from the code say what it says."""

from __future__ import annotations

import re
import subprocess
import sys

import pytest
from ansible_collections.apsaradb.migration.tests.docs.pages import GENERATED, GUIDES, ROOT

PAGE = GUIDES / "errors.rst"


@pytest.mark.parametrize("page", sorted(GENERATED))
def test_the_page_is_what_the_code_says(page):
    command = [sys.executable, str(ROOT / "tests" / "utils" / f"{page}_page.py"), "--check"]
    ran = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr


def test_the_page_of_errors_has_codes_checks_and_remedies_of_each_kind():
    text = PAGE.read_text()
    for known in (
        "``UploadLimitExceeded``",  # of an action of RDS
        "``Forbidden.RoleNotAuthorized``",  # of DTS
        "``NoSuchBucket``",  # of OSS
        "``28P01``",  # of PostgreSQL
        "``approved_plan_unreadable``",  # of the collection
        "``free_storage``",  # a check
        "Create a privileged account",  # a remedy
    ):
        assert known in text


def test_the_page_of_the_emulator_tells_what_is_looked_at_and_what_is_not():
    text = (GUIDES / "emulator.rst").read_text()
    rows = dict(re.findall(r"^   \* - ``(\w+)``.*\n((?:     - .*\n?|     -\n){3})", text, re.MULTILINE))
    assert len(rows) > len({"rds", "dts", "ram", "sts"})
    _known, looked_at, ignored = rows["CreateMigrateTask"].splitlines()
    assert "**DBName**" in looked_at
    assert "``OSSUrls``" in looked_at
    # A list of a kind of object that the emulator has none of.
    assert "``ShardPassword``" in rows["ModifyDtsJobEndpoint"].splitlines()[2]
    assert "DBName" not in ignored
    for name in ("unknown_action", "import_space", "dts_list_lag"):
        assert f"``{name}``" in text
