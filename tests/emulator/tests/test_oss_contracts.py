# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The emulator's idea of OSS agrees with the SDKs: names of actions, elements of answers, which actions write."""

from __future__ import annotations

import re
from pathlib import Path
from xml.etree import ElementTree

import alibabacloud_oss_v2 as oss_v2
import oss2
import pytest
from apsara_emulator import VARIANTS
from apsara_emulator.default_world import BUCKET_ONE
from apsara_emulator.oss.call import ACTIONS

from .oss_clients import InProcess

SDK = Path(oss_v2.__file__).parent


def words_of_sdk(pattern: str, folder: str) -> set[str]:
    """What the pattern finds in the modules of one of the SDK's folders."""
    files = (SDK / folder).glob("*.py")
    return {word for path in files for word in re.findall(pattern, path.read_text(encoding="utf-8"))}


def test_every_action_is_one_of_the_sdk() -> None:
    assert set(ACTIONS) <= words_of_sdk(r"op_name='(\w+)'", "operations")


def test_which_actions_write() -> None:
    reading = {name for name, one in ACTIONS.items() if not one.mutating}
    assert reading == {name for name in ACTIONS if name.startswith(("Get", "List", "Head"))}


@pytest.mark.parametrize(
    ("key", "params"),
    [
        ("", {}),
        ("", {"delimiter": "/", "max-keys": "1", "encoding-type": "url"}),
        ("", {"list-type": "2", "fetch-owner": "true", "max-keys": "1"}),
        ("", {"bucketInfo": ""}),
        ("", {"stat": ""}),
        ("", {"acl": ""}),
        ("", {"tagging": ""}),
        ("", {"encryption": ""}),
        ("", {"uploads": "", "delimiter": "/"}),
        ("dir/a", {"tagging": ""}),
        ("b", {"uploadId": "U1"}),
    ],
)
def test_elements_are_those_of_the_sdks(key: str, params: dict[str, str]) -> None:
    part = {"size": 1, "etag": "E", "crc64": "1", "last_modified": {"ago": 1}, "blobs": []}
    bucket = {
        "encryption": "KMS",
        "encryption_key_id": "k",
        "tags": {"a": "b"},
        "objects": {"dir/a": {"text": "1", "tags": {"a": "b"}}, "b": {"text": "2"}},
        "uploads": {
            "U1": {"key": "b", "initiated": {"ago": 1}, "parts": {"1": part}},
            "U2": {"key": "c/d", "initiated": {"ago": 1}},
        },
    }
    bench = InProcess({"buckets": {BUCKET_ONE: bucket}})
    status, body = bench.raw("GET", BUCKET_ONE, key, params)
    assert status == 200, body
    root = ElementTree.fromstring(body)
    known = words_of_sdk(r'"rename": "(\w+)"', "models")
    older = Path(oss2.__file__).parent / "xml_utils.py"
    known |= set(re.findall(r"\w+", older.read_text(encoding="utf-8")))
    assert {one.tag for one in root.iter()} - {root.tag} <= known


def test_every_variant_is_used_and_tested() -> None:
    """A doubt that changes nothing is none."""
    import apsara_emulator

    folder = Path(apsara_emulator.__file__).parent / "oss"
    code = "".join(path.read_text(encoding="utf-8") for path in folder.glob("*.py"))
    for name in VARIANTS:
        if name.startswith("oss_"):
            assert f'variants["{name}"]' in code, name
