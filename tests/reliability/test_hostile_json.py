# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Every module reads answers of a service that has gone mad: it ends with a result or a clear failure, never with a
traceback, in bounded time and memory."""

from __future__ import annotations

import json
import pathlib
import sys

import hypothesis
import pytest
from hypothesis import strategies as st

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

from hostile_stage import SCENES, Bounded, adapters, assert_clear, places, replaced, run_module

# As they stand in the text of an answer; most of them no library would write.
VALUES = [
    "null",
    "true",
    "-1",
    "0",
    "1.5",
    "1e999",
    "-1e999",
    "NaN",
    "Infinity",
    "9" * 19,
    "9" * 400,
    "9" * 5000,
    "1e-5000",
    '""',
    '"yes"',
    '"-1"',
    '"1e999"',
    '"NaN"',
    '"' + "9" * 30 + '"',
    '"\u0663\u0664"',
    '"\\ud800"',
    '"\\u0000\\u001b[31m"',
    '"2026-99-99T99:99:99Z"',
    '"9999-12-31T23:59:59Z"',
    '"{{ 7 * 7 }}"',
    '"../../etc/passwd"',
    '"' + "x" * 100_000 + '"',
    "[]",
    "{}",
    "[[]]",
    "[null]",
    "[1]",
    '["text"]',
    '[{"": null}]',
    '{"": {"": {}}}',
    "[" * 500 + "]" * 500,
    '{"a":' * 500 + "1" + "}" * 500,
    "[" * 100_000 + "]" * 100_000,
    '{"Code": "Odd", "Code": 7, "Code": "Throttling", "Message": "\\ud83d"}',
]
# Whole bodies.
BODIES = [
    b"",
    b"null",
    b"[]",
    b"7",
    b'"text"',
    b"NaN",
    b"{",
    b"\xff\xfe{\x00}\x00",
    b"\xef\xbb\xbf{}",
    b"\x80\x81",
    b"{}" * 1000,
    b"<html>Sign in</html>",
    b"[" * 1_000_000,
    b'{"a":' * 200_000,
    b'{"RequestId": "1", "RequestId": [2]}',
    b'{"Code": {}, "Message": []}',
    b'{"Code": "Throttling.User", "Message": {"x": 1}}',
    b'{"Code": "Forbidden", "Message": "' + b"A" * 1_000_000 + b'"}',
    b'{"Code": "InvalidDBInstanceId.NotFound", "RequestId": {"a": []}}',
]
_PLACE = "@@here@@"
# Mixtures for each module; at length: in the long run.
EXAMPLES, AT_LENGTH = 8, 750


@st.composite
def changes(draw):
    """Which answer, where in it, and which value stands there instead. The place is a share of all places."""
    return [
        (draw(st.integers(0, 11)), draw(st.floats(0, 0.999)), draw(st.integers(0, len(VALUES) - 1)))
        for _number in range(draw(st.integers(1, 3)))
    ]


def changed(body, share, value):
    """The body of JSON with another value at one of its places."""
    try:
        document = json.loads(body)
    except (ValueError, RecursionError):
        return body
    found = list(places(document))
    path = found[int(share * len(found))]
    return json.dumps(replaced(document, path, _PLACE)).replace(f'"{_PLACE}"', value).encode("utf-8", "surrogatepass")


def meet(name, wanted, check):
    """Runs a module that meets changed answers. wanted: by the number of the answer, (share, value)."""
    stage, wish = SCENES[name]()
    passed = 0

    def change(_number, request, status, headers, body):
        nonlocal passed
        number, passed = passed, passed + 1
        for at, share, value in wanted:
            if at == number:
                body = changed(body, share, VALUES[value])
        return status, headers, body

    for adapter in adapters(stage):
        adapter.change = change
    return run_module(stage, name, check=check, **wish)


def property_of(name, examples, *, same):
    @hypothesis.settings(
        max_examples=examples,
        derandomize=same,
        database=None,
        deadline=None,
        phases=set(hypothesis.Phase) - {hypothesis.Phase.explain},
        suppress_health_check=list(hypothesis.HealthCheck),
    )
    @hypothesis.given(changes(), st.booleans())
    def any_answer(wanted, check):
        assert_clear(meet(name, wanted, check))

    return any_answer


@pytest.mark.parametrize("name", SCENES)
def test_any_value_at_any_place_of_any_answer(name, figures):
    with Bounded(seconds=60):
        property_of(name, EXAMPLES, same=True)()
    figures("hostile answers", [f"{name}: {EXAMPLES} mixtures of wrong values, no traceback"])


@pytest.mark.soak
@pytest.mark.parametrize("name", SCENES)
def test_any_value_at_any_place_of_any_answer_at_length(name, figures):
    property_of(name, AT_LENGTH, same=False)()
    figures("hostile answers", [f"{name}: {AT_LENGTH} random mixtures of wrong values, no traceback"])


@pytest.mark.parametrize("status", [200, 400, 500])
@pytest.mark.parametrize("name", SCENES)
def test_whole_bodies(name, status):
    bodies = BODIES if name == "rds_instance_info" else BODIES[:: len(SCENES)]
    with Bounded():
        for body in bodies:
            stage, wish = SCENES[name]()
            for adapter in adapters(stage):
                adapter.change = lambda _number, _request, _status, headers, _body, body=body: (status, headers, body)
            assert_clear(run_module(stage, name, check=True, **wish))
