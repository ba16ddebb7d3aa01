# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Where credentials come from, in which order, and what is said when half of them is missing."""

from __future__ import annotations

import json
import sys

import pytest
from ansible_collections.apsaradb.migration.plugins.module_utils._alibaba import vendor_credentials
from ansible_collections.apsaradb.migration.plugins.module_utils._alibaba.credentials import (
    AccessKey,
    BearerToken,
    NoCredentials,
    find_credentials,
)
from ansible_collections.apsaradb.migration.plugins.module_utils._failure import BadRequest

PAIR = {"ALIBABA_CLOUD_ACCESS_KEY_ID": "LTAIenv", "ALIBABA_CLOUD_ACCESS_KEY_SECRET": "secretOfEnv"}
NOWHERE = {"ALIBABA_CLOUD_ECS_METADATA_DISABLED": "true"}


def find(options=None, environment=None, tmp_path=None):
    home = {"HOME": str(tmp_path)} if tmp_path else {"HOME": "/nonexistent"}
    return find_credentials(options or {}, {**home, **NOWHERE, **(environment or {})})


@pytest.mark.parametrize(
    ("options", "environment", "expected"),
    [
        ({"access_key_id": "LTAIopt", "access_key_secret": "secretOfOpt"}, PAIR, AccessKey("LTAIopt", "secretOfOpt")),
        (
            {"access_key_id": "STS.opt", "access_key_secret": "secretOfOpt", "security_token": "tokenOfOpt"},
            PAIR,
            AccessKey("STS.opt", "secretOfOpt", "tokenOfOpt"),
        ),
        ({"bearer_token": "tokenOfOpt"}, PAIR, BearerToken("tokenOfOpt")),
        ({}, PAIR, AccessKey("LTAIenv", "secretOfEnv")),
        (
            {},
            {**PAIR, "ALIBABA_CLOUD_SECURITY_TOKEN": "tokenOfEnv"},
            AccessKey("LTAIenv", "secretOfEnv", "tokenOfEnv"),
        ),
        (
            {},
            {"ALICLOUD_ACCESS_KEY": "LTAIter", "ALICLOUD_SECRET_KEY": "secretOfTer"},
            AccessKey("LTAIter", "secretOfTer"),
        ),
        (
            {},
            {"ALICLOUD_ACCESS_KEY_ID": "LTAIali", "ALICLOUD_SECRET_ACCESS_KEY": "secretOfAli"},
            AccessKey("LTAIali", "secretOfAli"),
        ),
        (
            {},
            {"OSS_ACCESS_KEY_ID": "LTAIoss", "OSS_ACCESS_KEY_SECRET": "secretOfOss", "OSS_SESSION_TOKEN": "tokenOfOss"},
            AccessKey("LTAIoss", "secretOfOss", "tokenOfOss"),
        ),
        ({}, {"ALIBABA_CLOUD_ACCESS_KEY_ID": "an-api-key"}, BearerToken("an-api-key")),
        ({}, {"DASHSCOPE_API_KEY": "another-api-key"}, BearerToken("another-api-key")),
        (
            {},
            {"ALIBABA_CLOUD_ACCESS_KEY_ID": "an-api-key", "DASHSCOPE_API_KEY": "another"},
            BearerToken("an-api-key"),
        ),
        # A whole pair of another name wins over a lone key id.
        (
            {},
            {
                "ALIBABA_CLOUD_ACCESS_KEY_ID": "LTAIlone",
                "ALICLOUD_ACCESS_KEY": "LTAIter",
                "ALICLOUD_SECRET_KEY": "secret-T",
            },
            AccessKey("LTAIter", "secret-T"),
        ),
    ],
)
def test_order(options, environment, expected):
    assert find(options, environment).current() == expected


@pytest.mark.parametrize(
    ("options", "environment", "missing"),
    [
        ({"access_key_id": "LTAIopt"}, PAIR, "access_key_secret"),
        ({"access_key_secret": "secretOfOpt"}, PAIR, "access_key_id"),
        ({"security_token": "tokenOfOpt"}, PAIR, "access_key_id"),
        ({}, {"ALIBABA_CLOUD_ACCESS_KEY_ID": "LTAIlone"}, "ALIBABA_CLOUD_ACCESS_KEY_SECRET"),
        ({}, {"ALIBABA_CLOUD_ACCESS_KEY_ID": "STS.lone"}, "ALIBABA_CLOUD_ACCESS_KEY_SECRET"),
        ({}, {"ALIBABA_CLOUD_ACCESS_KEY_SECRET": "secretOfEnv"}, "ALIBABA_CLOUD_ACCESS_KEY_ID"),
        ({}, {"ALICLOUD_ACCESS_KEY": "LTAIlone"}, "ALICLOUD_SECRET_KEY"),
        ({"access_key_id": "a", "access_key_secret": "b", "bearer_token": "c"}, {}, "exclude each other"),
        ({"profile": "p", "bearer_token": "c"}, {}, "exclude each other"),
    ],
)
def test_half_a_credential_is_an_error_that_names_the_other_half(options, environment, missing):
    with pytest.raises(BadRequest) as caught:
        find(options, environment)
    assert missing in caught.value.message + caught.value.remedy


def test_nothing_found_says_what_to_give():
    with pytest.raises(NoCredentials) as caught:
        find()
    assert "access_key_id" in caught.value.remedy


def test_plain_keys_do_not_import_the_vendor_library(monkeypatch):
    monkeypatch.setitem(sys.modules, "alibabacloud_credentials", None)  # an import would fail
    assert find({}, PAIR).current() == AccessKey("LTAIenv", "secretOfEnv")


def test_missing_vendor_library_is_named(monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "alibabacloud_credentials", None)
    for module in [name for name in sys.modules if name.startswith("alibabacloud_credentials.")]:
        monkeypatch.delitem(sys.modules, module)
    write_cli_profile(tmp_path)
    with pytest.raises(NoCredentials, match="alibabacloud-credentials"):
        find({"profile": "work"}, {}, tmp_path)


def write_cli_profile(home):
    (home / ".aliyun").mkdir()
    profile = {"name": "work", "mode": "AK", "access_key_id": "LTAIcli", "access_key_secret": "secretOfCli"}
    other = {**profile, "name": "home", "access_key_id": "LTAIhome", "region_id": "eu-central-1"}
    document = {"current": "work", "profiles": [profile, other]}
    (home / ".aliyun" / "config.json").write_text(json.dumps(document))


def pair_of(found):
    return found.access_key_id, found.access_key_secret


def test_profile_of_the_command_line(tmp_path):
    pytest.importorskip("alibabacloud_credentials")
    write_cli_profile(tmp_path)
    assert pair_of(find({"profile": "home"}, PAIR, tmp_path).current()) == ("LTAIhome", "secretOfCli")
    assert pair_of(find({}, {}, tmp_path).current()) == ("LTAIcli", "secretOfCli")
    assert vendor_credentials.profile_region({"profile": "home"}, {"HOME": str(tmp_path)}) == "eu-central-1"
    assert vendor_credentials.profile_region({"profile": "work"}, {"HOME": str(tmp_path)}) == ""


def test_credentials_file(tmp_path):
    pytest.importorskip("alibabacloud_credentials")
    (tmp_path / ".alibabacloud").mkdir()
    (tmp_path / ".alibabacloud" / "credentials.ini").write_text(
        "[night]\ntype = access_key\naccess_key_id = LTAIini\naccess_key_secret = secretOfIni\n"
    )
    assert pair_of(find({"profile": "night"}, {}, tmp_path).current()) == ("LTAIini", "secretOfIni")


def test_unknown_profile_is_told_without_the_library_s_own_words(tmp_path):
    pytest.importorskip("alibabacloud_credentials")
    write_cli_profile(tmp_path)
    with pytest.raises(NoCredentials) as caught:
        find({"profile": "none"}, {}, tmp_path).current()
    assert "none" in caught.value.message
    assert "secretOfCli" not in caught.value.message


def test_profile_without_any_file_is_told(tmp_path):
    with pytest.raises(NoCredentials, match="neither"):
        find({"profile": "none"}, {}, tmp_path)


def test_secrets_are_announced_for_masking(tmp_path):
    seen = []
    find_credentials({}, {**NOWHERE, **PAIR, "HOME": str(tmp_path)}, seen.append)
    assert seen == ["secretOfEnv"]


def test_no_secret_in_the_text_of_credentials():
    assert "hidden" not in repr([AccessKey("id", "hidden", "hidden too"), BearerToken("hidden")])
