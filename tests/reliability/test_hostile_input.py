# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Options and object keys of any kind: a clear failure or a request that holds them as what they are, never more."""

from __future__ import annotations

import datetime
import math
import pathlib
import sys
from urllib.parse import parse_qsl, urlsplit

import hypothesis
import pytest
from ansible_collections.apsaradb.migration.plugins.module_utils._alibaba.oss_access import oss_client
from ansible_collections.apsaradb.migration.plugins.module_utils._alibaba.oss_model import wrong_key
from ansible_collections.apsaradb.migration.plugins.module_utils._failure import MigrationFailure
from ansible_collections.apsaradb.migration.tests.unit.backup_stage import BUCKET, ENDPOINTS, BackupStage, full
from ansible_collections.apsaradb.migration.tests.unit.upload_stage import backup
from hypothesis import strategies as st

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

from hostile_stage import PATIENCE, SCENES, Bounded, adapters, assert_clear, run_module

KEYS = [
    "../../etc/passwd", "in/../out.bak", "in/./x.bak", "/leading.bak", "\\back\\slash.bak", "a\nb.bak",
    "a\r\nX-Evil: 1",
    "nul\x00.bak", "k" * 2000, "\u202egnp.bak", "c:d", "?query=1.bak", "a#b.bak", "%2e%2e%2fx.bak", "a&DBName=evil.bak",
    "a b+c.bak", "\U0001f600.bak", "\ud800.bak", "..", ".", "", " ", "{{ 7 * 7 }}.bak", "<b>.bak", "a//b.bak",
]  # fmt: skip
TEXTS = [
    *KEYS, "x&Action=DeleteDatabase", "x%26Action%3DDeleteDatabase", "x\r\nauthorization: none", "\u0000", "\x1b[31m",
    "\u0661\u0662", "n" * 10_000, "none", "null", "'; drop table x; --", "`id`", "$(id)", "!!python/object:os.system",
]  # fmt: skip
OTHERS = [
    1, -1, 0, 2**70, 1.5, float("inf"), float("nan"), True, False, None, [], {}, [[["a"]]], {"a": {"b": [None]}},
    [None], [1, "a"], {"": ""}, {"a": 1}, "2026-01-01", datetime.date(2026, 1, 1).isoformat(),
]  # fmt: skip
# Options that stay: where requests go, and what they are signed with.
KEPT = {"rds_endpoint", "oss_endpoint", "ram_endpoint", "sts_endpoint", "dts_endpoint", *PATIENCE}
KEPT |= {"access_key_id", "access_key_secret"}
# Mixtures for each module; at length: in the long run.
EXAMPLES, AT_LENGTH = 10, 1000


def is_allowed(stage, sent):
    """Every request is one that the emulator knows, with no parameter that it does not."""
    codes = [call.code for call in stage.world.calls.select() if call.code]
    strange = {"InvalidAction.NotFound", "SignatureDoesNotMatch", "IncompleteSignature", "UnsupportedHTTPMethod"}
    assert not strange & set(codes), codes
    for request in sent:
        query = parse_qsl(urlsplit(request.url).query, keep_blank_values=True)
        names = [name for name, _value in query]
        assert len(names) == len(set(names)), names
        assert "Action" not in names
        assert "evil" not in "".join(request.headers).lower()


def property_of(name, examples, *, same):
    values = st.one_of(st.sampled_from(TEXTS), st.sampled_from(OTHERS), st.text(max_size=20))

    @hypothesis.settings(
        max_examples=examples,
        derandomize=same,
        database=None,
        deadline=None,
        phases=set(hypothesis.Phase) - {hypothesis.Phase.explain},
        suppress_health_check=list(hypothesis.HealthCheck),
    )
    @hypothesis.given(st.lists(st.tuples(st.floats(0, 0.999), values), min_size=1, max_size=2), st.booleans())
    def any_option(wanted, check):
        stage, wish = SCENES[name]()
        around = adapters(stage)
        dictionaries = {option for option, given in wish.items() if isinstance(given, dict)}
        for share, value in wanted:
            names = sorted(set(wish) - KEPT)
            chosen = names[int(share * len(names))]
            inner = wish[chosen]
            if chosen in dictionaries and not isinstance(value, dict):
                value = str(value)  # ansible-core fails for a number in the place of a dictionary with fallbacks
            within = sorted(set(inner) - KEPT) if isinstance(inner, dict) else []
            if within and share * 7 % 1 > 0.3:
                chosen_inner = within[int(share * 100) % len(within)]
                # ansible-core fails for infinity in the place of an integer.
                value = str(value) if isinstance(value, float) and math.isinf(value) else value
                wish = {**wish, chosen: {**inner, chosen_inner: value}}
            else:
                wish = {**wish, chosen: value}
        told = run_module(stage, name, check=check, **wish)
        assert_clear(told)
        is_allowed(stage, [request for adapter in around for request in adapter.requests])

    return any_option


@pytest.mark.parametrize("name", SCENES)
def test_any_option(name, figures):
    with Bounded(seconds=60):
        property_of(name, EXAMPLES, same=True)()
    figures("hostile options", [f"{name}: {EXAMPLES} mixtures, no traceback, nothing injected"])


@pytest.mark.soak
@pytest.mark.parametrize("name", SCENES)
def test_any_option_at_length(name, figures):
    property_of(name, AT_LENGTH, same=False)()
    figures("hostile options", [f"{name}: {AT_LENGTH} random mixtures, no traceback, nothing injected"])


@pytest.mark.parametrize("key", KEYS, ids=range(len(KEYS)))
def test_keys_that_somebody_put_into_the_bucket(key):
    """A hostile key is restored under its own name or refused; no other object is read in its place."""
    stage = BackupStage()
    stage.put("good_FULL.bak", full("good"))
    stage.put("target_FULL.bak", full("outside"), folder="")
    try:
        stage.put(key, full("hostile"))
    except (ValueError, UnicodeError):
        pytest.skip("the service has no such key")
    around = adapters(stage)
    wish = {**SCENES["rds_oss_backup_migrate"]()[1], "recurse": True, "preflight": "warn"}
    told = run_module(stage, "rds_oss_backup_migrate", check=True, **wish)
    assert_clear(told)
    is_allowed(stage, [request for adapter in around for request in adapter.requests])
    objects = [
        c.parameters.get("key", "") for c in stage.world.calls.select() if c.action in ("GetObject", "HeadObject")
    ]
    assert not [name for name in objects if name and not name.startswith("in/")]


@pytest.mark.parametrize("key", ["in/../x", "..", "a/./b", "/x", "\\x", "a\nb", "a\x00", "a:b", "k" * 1024, "\ud800"])
def test_keys_that_are_never_sent(key):
    assert wrong_key(key)


@pytest.mark.parametrize(
    "prefix", ["../", "in/../../", "a\nb/", "x\x00/", "{{ 7 * 7 }}/", "p" * 1100, "%2e%2e/", "?a=b/"]
)
def test_prefixes_of_uploads(prefix, tmp_path):
    stage = BackupStage()
    backup(tmp_path)
    wish = {**ENDPOINTS, **PATIENCE, "path": str(tmp_path), "bucket": BUCKET, "prefix": prefix}
    told = run_module(stage, "oss_backup_upload", **wish)
    assert_clear(told)
    keys = set(stage.world.state.buckets[BUCKET].objects)
    assert all(key.startswith(prefix) for key in keys)
    if wrong_key(prefix + "sales_FULL.bak"):
        assert told["failed"]
        assert keys == set()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["sales_FULL.bak"]


@pytest.mark.parametrize("key", ["a b+c%41&x=?#.bak", "\U0001f600/ä.bak", "{{ 7 }}<b>.bak"])
def test_strange_keys_arrive_as_they_are(key):
    stage = BackupStage()
    client = oss_client(stage.services(**ENDPOINTS))
    client.put(BUCKET, key, b"content", {}, replace=True)
    assert set(stage.world.state.buckets[BUCKET].objects) == {key}
    assert client.read_range(BUCKET, key, 0, 100) == b"content"


def test_a_key_with_dots_is_no_other_key():
    stage = BackupStage()
    stage.put("x.bak", full("sales"), folder="")
    client = oss_client(stage.services(**ENDPOINTS))
    with pytest.raises(MigrationFailure):
        client.read_range(BUCKET, "in/../x.bak", 0, 100)
