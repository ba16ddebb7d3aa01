# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What an answer means, by its code first."""

from __future__ import annotations

import pytest
from ansible_collections.apsaradb.migration.plugins.module_utils._alibaba.advice import advice
from ansible_collections.apsaradb.migration.plugins.module_utils._alibaba.errors import (
    ServiceError,
    is_fault,
    is_throttling,
    is_unknown_action,
    is_unknown_instance,
)


@pytest.mark.parametrize("code", ["Throttling", "Throttling.User", "Throttling.Api", "throttling.user", "http_429"])
def test_throttling_by_code_not_by_status(code):
    assert is_throttling(code)
    assert not is_fault(code, 503)


@pytest.mark.parametrize(
    ("code", "status", "fault"),
    [
        ("InternalError", 500, True),
        ("ServiceUnavailable", 503, True),
        ("InternalError", 400, True),
        ("NeverSeen", 502, True),
        ("NeverSeen", 400, False),
        ("IncorrectDBInstanceState", 500, False),
        ("", None, True),
    ],
)
def test_a_documented_refusal_stays_one_with_any_status(code, status, fault):
    assert is_fault(code, status) is fault


@pytest.mark.parametrize(
    ("code", "message", "expected"),
    [
        ("InvalidAction", "", True),
        ("InvalidAction.NotFound", "", True),
        ("InvalidParameter", "The specified parameter Action or Version is not valid.", True),
        ("InvalidParameter", "The specified parameter TaskAction is not valid.", False),
        ("InvalidParameter", "DBInfo is not valid.", False),
        ("Forbidden.RAM", "Action", False),
    ],
)
def test_unknown_action(code, message, expected):
    assert is_unknown_action(ServiceError(message, code=code)) is expected


@pytest.mark.parametrize(
    "code",
    [
        "InvalidDBInstanceId.NotFound",
        "InvalidDBInstance.NotFound",
        "InvalidDBInstanceName.NotFound",
        "Forbidden.InstanceNotFound",
    ],
)
def test_unknown_instance_in_all_spellings(code):
    assert is_unknown_instance(ServiceError("", code=code))


@pytest.mark.parametrize(
    ("code", "parameter"),
    [
        ("InvalidAccessKeyId.NotFound", "access_key_id"),
        ("IncompleteSignature", "access_key_secret"),
        ("SignatureDoesNotMatch", "access_key_secret"),
        ("IllegalTimestamp", "clock"),
        ("InvalidTimeStamp.Expired", "clock"),
        ("InvalidSecurityToken.Expired", "security_token"),
        ("Forbidden.RAM", "guide on permissions"),
        ("QuotaExceeded.DBInstanceStorage", "instance_id"),
        ("StorageLimitExceeded", "instance_id"),
        ("InvalidDBName.NotFound", "databases"),
        ("InvalidParameter.Keyword", "databases"),
        ("InvalidBackupId.NotFound", "backup_id"),
        ("InvalidTaskId.NotFound", "import_id"),
        ("IncorrectDBInstanceState", "wait"),
        ("OperationDenied.DBInstanceId", "source_instance_id"),
        ("Throttling.User", "poll_interval"),
    ],
)
def test_the_remedy_names_what_to_change(code, parameter):
    assert parameter in advice(code, 400).remedy


@pytest.mark.parametrize("status", [400, 403, 404, 500, 503])
def test_every_status_of_the_seed_has_cause_and_remedy(status):
    found = advice("", status)
    assert found.cause
    assert found.remedy


def test_an_unknown_code_keeps_its_cause_by_status():
    assert "Forbidden" in advice("SomethingNew", 403).cause
    assert "error centre" in advice("SomethingNew", 403).remedy
