# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The page of errors and remedies says what the code says."""

from __future__ import annotations

import subprocess
import sys

from ansible_collections.apsaradb.migration.tests.docs.pages import GUIDES, ROOT

PAGE = GUIDES / "errors.rst"


def test_the_page_is_what_the_code_says():
    command = [sys.executable, str(ROOT / "tests" / "utils" / "errors_page.py"), "--check"]
    ran = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr


def test_the_page_has_codes_checks_and_remedies_of_each_kind():
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
