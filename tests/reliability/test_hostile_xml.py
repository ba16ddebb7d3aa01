# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""XML of OSS that means ill: entities that grow or read files, nesting without end, wrong values, endless streams."""

from __future__ import annotations

import io
import pathlib
import re
import sys

import hypothesis
import pytest
from ansible_collections.apsaradb.migration.plugins.module_utils._alibaba.oss_access import oss_client
from ansible_collections.apsaradb.migration.plugins.module_utils._failure import MigrationFailure
from ansible_collections.apsaradb.migration.tests.unit.backup_stage import BUCKET, ENDPOINTS, BackupStage, full
from ansible_collections.apsaradb.migration.tests.unit.upload_stage import backup
from hypothesis import strategies as st

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

from hostile_stage import PATIENCE, SCENES, Bounded, Endless, adapters, assert_clear, run_module

VALUES = [
    "", " ", "-1", "0", "1e999", "NaN", "9" * 30, "9" * 5000, "\u00b2", "\u0663", "true", "text", "x" * 100_000,
    "2026-99-99T99:99:99.000Z", "9999-12-31T23:59:59.000Z", "../../etc/passwd", "a&#10;b", "&#xFFFD;", "&unknown;",
    "<Key>within</Key>", "<![CDATA[<script>]]>", "%00%0a", "\u202e", "&#0;", "<a>" * 300 + "</a>" * 300,
]  # fmt: skip
LAUGHS = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 10))
SHORT = '<!DOCTYPE x [<!ENTITY l0 "ha">' + LAUGHS + "]><Error><Code>&l9;</Code></Error>"
BOMBS = {
    "billion laughs": SHORT.encode(),
    "billion laughs in lower case letters": SHORT.replace("DOCTYPE", "doctype").encode(),
    "billion laughs in wide letters": SHORT.encode("utf-16"),
    "quadratic": b'<!DOCTYPE x [<!ENTITY a "' + b"a" * 100_000 + b'">]><x>' + b"&a;" * 5_000 + b"</x>",
    "a file": b'<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]><Error><Code>A</Code><Message>&a;</Message></Error>',
    "an address": b'<!DOCTYPE x SYSTEM "http://169.254.169.254/x.dtd"><ListBucketResult/>',
    "nesting": b"<a>" * 30_000 + b"</a>" * 30_000,
    "nesting without end": b"<a>" * 30_000,
    "another root": b"<html><body>Sign in</body></html>",
    "nothing": b"",
    "no text": b"\x00\xff\xfe" * 100,
    "attributes": b"<a " + b"".join(b'a%d="1" ' % n for n in range(3_000)) + b"/>",
    "many rows": b"<ListBucketResult>" + b"<Contents/>" * 2_000 + b"</ListBucketResult>",
}

# Mixtures for each module; at length: in the long run.
EXAMPLES, AT_LENGTH = 8, 750


def upload_scene(folder):
    backup(folder)
    return BackupStage(), {**ENDPOINTS, **PATIENCE, "path": str(folder), "bucket": BUCKET, "prefix": "up/"}


def scenes(tmp_path):
    """The modules that read OSS."""
    return {
        "oss_bucket": SCENES["oss_bucket"],
        "rds_oss_backup_migrate": SCENES["rds_oss_backup_migrate"],
        "oss_backup_upload": lambda: upload_scene(tmp_path),
    }


def meet(scene, name, change, check):
    stage, wish = scene()
    seen = 0

    def only_xml(_number, request, status, headers, body):
        nonlocal seen
        if not body.startswith(b"<?xml") and not (request.url or "").startswith(ENDPOINTS["oss_endpoint"]):
            return status, headers, body
        number, seen = seen, seen + 1
        return change(number, status, headers, body)

    for adapter in adapters(stage):
        adapter.change = only_xml
    return run_module(stage, name, check=check, **wish)


@pytest.mark.parametrize("status", [200, 403, 500])
@pytest.mark.parametrize("name", ["oss_bucket", "rds_oss_backup_migrate", "oss_backup_upload"])
def test_bombs(name, status, tmp_path):
    bombs = BOMBS if name == "oss_bucket" else dict(list(BOMBS.items())[::4])
    for bomb in bombs.values():
        with Bounded(seconds=20, memory=200 * 2**20):
            told = meet(
                scenes(tmp_path)[name], name, lambda _n, _s, headers, _body, bomb=bomb: (status, headers, bomb), True
            )
        assert_clear(told)
        assert "root:" not in str(told)


@pytest.mark.parametrize("bomb", ["billion laughs", "billion laughs in wide letters", "quadratic", "a file"])
@pytest.mark.parametrize("status", [200, 403])
def test_no_entity_is_looked_at(bomb, status, monkeypatch):
    from xml.etree import ElementTree

    from oss2 import exceptions, xml_utils

    parsed = []

    def noted(text, *rest):
        parsed.append(text)
        return ElementTree.fromstring(text, *rest)

    fake = type("E", (), {**vars(ElementTree), "fromstring": staticmethod(noted)})
    monkeypatch.setattr(xml_utils, "ElementTree", fake)
    monkeypatch.setattr(exceptions, "ElementTree", fake)
    stage = BackupStage()
    stage.put("sales_FULL.bak")
    for adapter in adapters(stage):
        adapter.change = lambda _n, _r, _s, headers, _b: (status, headers, BOMBS[bomb])
    with pytest.raises(MigrationFailure):
        list(oss_client(stage.services(**ENDPOINTS)).objects(BUCKET))
    assert parsed == []


def texts_of(body):
    return [found.span(1) for found in re.finditer(rb">([^<>]*)<", body)]


def property_of(name, scene, examples, *, same):
    change_of = st.lists(
        st.tuples(st.integers(0, 5), st.floats(0, 0.999), st.integers(0, len(VALUES) - 1)), min_size=1, max_size=3
    )

    @hypothesis.settings(
        max_examples=examples,
        derandomize=same,
        database=None,
        deadline=None,
        phases=set(hypothesis.Phase) - {hypothesis.Phase.explain},
        suppress_health_check=list(hypothesis.HealthCheck),
    )
    @hypothesis.given(change_of, st.booleans())
    def any_answer(wanted, check):
        def change(number, status, headers, body):
            for at, share, value in wanted:
                spans = texts_of(body)
                if at == number and spans:
                    start, end = spans[int(share * len(spans))]
                    body = body[:start] + VALUES[value].encode() + body[end:]
                elif at == number:
                    headers = {
                        key: VALUES[value][:200].encode("ascii", "replace").decode() if key.lower() != "date" else told
                        for key, told in headers.items()
                    }
            return status, headers, body

        assert_clear(meet(scene, name, change, check))

    return any_answer


@pytest.mark.parametrize("name", ["oss_bucket", "rds_oss_backup_migrate", "oss_backup_upload"])
def test_any_value_at_any_place(name, tmp_path, figures):
    property_of(name, scenes(tmp_path)[name], EXAMPLES, same=True)()
    figures("hostile answers", [f"{name}: {EXAMPLES} mixtures of wrong values in XML and headers, no traceback"])


@pytest.mark.soak
@pytest.mark.parametrize("name", ["oss_bucket", "rds_oss_backup_migrate", "oss_backup_upload"])
def test_any_value_at_any_place_at_length(name, tmp_path, figures):
    property_of(name, scenes(tmp_path)[name], AT_LENGTH, same=False)()
    figures(
        "hostile answers", [f"{name}: {AT_LENGTH} random mixtures of wrong values in XML and headers, no traceback"]
    )


@pytest.mark.parametrize("status", [200, 206, 403])
@pytest.mark.parametrize("ask", ["list", "range"])
def test_a_body_without_end_is_given_up(status, ask):
    stage = BackupStage()
    stage.put("sales_FULL.bak", full("sales"))
    bodies = []

    def change(_number, _request, _status, headers, _body):
        bodies.append(Endless(b"<"))
        return status, headers, io.BufferedReader(bodies[-1])

    for adapter in adapters(stage):
        adapter.change = change
    client = oss_client(stage.services(**ENDPOINTS))
    asks = {
        "list": lambda: list(client.objects(BUCKET)),
        "range": lambda: client.read_range(BUCKET, "in/sales_FULL.bak", 0, 512),
    }
    with Bounded(seconds=20), pytest.raises(MigrationFailure):
        asks[ask]()
    assert max(body.given for body in bodies) < 40 * 2**20
