# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Faults, over a real socket and in process: the caller sees the same thing, and the world is what it should be."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest
import requests
from apsara_emulator import VARIANTS, DocumentError, Gateway, ManualClock, WallClock, World
from apsara_emulator.faults import KINDS, FaultBook
from apsara_emulator.requests_adapter import EmulatorAdapter

from .inprocess import SOURCE, TARGET
from .serving import Served
from .signing import v3_call

BROKEN = (requests.exceptions.ConnectionError, requests.exceptions.ChunkedEncodingError)


@dataclass
class Caller:
    """A world, and a way to call it over HTTP."""

    world: World
    session: requests.Session
    url: str
    now: Callable[[], float]

    def __call__(self, action: str, parameters: dict[str, Any], **options: Any) -> requests.Response:
        return v3_call(self.session, self.url, self.now(), action, parameters, **options)

    def create(self, **options: Any) -> requests.Response:
        parameters = {"DBInstanceId": TARGET, "DBName": "made", "CharacterSetName": "x"}
        return self("CreateDatabase", parameters, **options)

    @property
    def made(self) -> bool:
        return "made" in self.world.state.instances[TARGET].databases


@pytest.fixture(params=["socket", "in process"])
def caller(request: pytest.FixtureRequest) -> Iterator[Caller]:
    with requests.Session() as session:
        if request.param == "socket":
            emulator: Served = request.getfixturevalue("emulator")
            yield Caller(emulator.world, session, emulator.urls.api, WallClock().now)
        else:
            world = World.default(ManualClock())
            session.mount("http://rds.test", EmulatorAdapter(Gateway(world)))
            yield Caller(world, session, "http://rds.test", world.clock.now)


def test_without_faults(caller: Caller) -> None:
    answer = caller.create()
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/json;charset=utf-8")
    assert set(answer.json()) == {"RequestId"}
    assert caller.made


@pytest.mark.parametrize("code", VARIANTS["throttled"].values)
@pytest.mark.parametrize("retry_after", VARIANTS["retry_after"].values)
def test_throttle(caller: Caller, code: str, retry_after: str) -> None:
    caller.world.merge({"variants": {"throttled": code, "retry_after": retry_after}})
    caller.world.faults.add({"kind": "throttle", "times": 1})
    answer = caller.create()
    assert f"{answer.json()['Code']} {answer.status_code}" == code
    assert answer.headers.get("x-acs-retry-after", "missing") == retry_after
    assert not caller.made
    assert caller.create().status_code == 200


@pytest.mark.parametrize(("kind", "status"), [("http_500", 500), ("http_503", 503), ("html", 502)])
@pytest.mark.parametrize("effect", [False, True])
def test_a_server_error_leaves_open_what_happened(caller: Caller, kind: str, status: int, effect: bool) -> None:
    caller.world.faults.add({"kind": kind, "times": 1, "effect": effect})
    answer = caller.create()
    assert answer.status_code == status
    assert ("html" in answer.headers["content-type"]) == (kind == "html")
    assert caller.made is effect
    record = caller.world.calls.select(mutating=True)[-1]
    assert (record.took_effect, record.fault, record.http_status) == (effect, kind, status)


@pytest.mark.parametrize(("kind", "made"), [("close_before", False), ("close_after", True)])
def test_the_connection_is_reset(caller: Caller, kind: str, made: bool) -> None:
    caller.world.faults.add({"kind": kind, "times": 1})
    with pytest.raises(BROKEN):
        caller.create()
    assert caller.made is made
    record = caller.world.calls.select(mutating=True)[-1]
    assert (record.took_effect, record.fault, record.http_status) == (made, kind, 0)


@pytest.mark.parametrize(("kind", "made"), [("stall", False), ("timeout_after", True)])
def test_no_answer_comes(caller: Caller, kind: str, made: bool) -> None:
    caller.world.faults.add({"kind": kind, "times": 1})
    with pytest.raises(requests.exceptions.ReadTimeout):
        caller.create(timeout=0.2)
    assert caller.made is made


@pytest.mark.parametrize("kind", ["stall", "timeout_after"])
def test_silence_ends_with_a_reset(caller: Caller, kind: str) -> None:
    caller.world.faults.add({"kind": kind, "seconds": 0.05})
    with pytest.raises(BROKEN):
        caller.create()


def test_a_truncated_answer(caller: Caller) -> None:
    caller.world.faults.add({"kind": "truncate", "times": 1})
    with pytest.raises(BROKEN):
        caller.create()
    assert caller.made


def test_an_empty_answer(caller: Caller) -> None:
    caller.world.faults.add({"kind": "empty", "status": 204})
    answer = caller.create()
    assert (answer.status_code, answer.content) == (204, b"")
    assert caller.made


def test_a_slow_answer(caller: Caller) -> None:
    caller.world.faults.add({"kind": "trickle", "bytes": 10, "seconds": 0.01})
    start = caller.now()
    assert set(caller.create().json()) == {"RequestId"}
    assert caller.now() - start >= 0.04


def test_a_redirection(caller: Caller) -> None:
    caller.world.faults.add({"kind": "redirect", "location": "https://evil.invalid/"})
    answer = caller.create()
    assert (answer.status_code, answer.headers["location"]) == (307, "https://evil.invalid/")
    assert not caller.made


def test_an_answer_without_end(caller: Caller) -> None:
    caller.world.faults.add({"kind": "huge"})
    answer = caller.create(stream=True)
    read = 0
    for piece in answer.iter_content(65536):
        read += len(piece)
        if read > 5_000_000:
            break
    answer.close()
    assert read > 5_000_000
    assert not caller.made


def test_an_expired_token(caller: Caller) -> None:
    caller.world.faults.add({"kind": "expired_token", "after": 1, "times": 1})
    assert caller("DescribeRegions", {}).status_code == 200
    assert caller("DescribeRegions", {}).json()["Code"] == "InvalidSecurityToken.Expired"
    assert caller("DescribeRegions", {}).status_code == 200


@pytest.mark.parametrize(("seconds", "status"), [(800, 200), (1000, 400), (-1000, 400)])
def test_a_skewed_clock(caller: Caller, seconds: float, status: int) -> None:
    caller.world.faults.add({"kind": "clock_skew", "seconds": seconds})
    answer = caller("DescribeRegions", {})
    assert answer.status_code == status
    assert answer.json().get("Code", "IllegalTimestamp") == "IllegalTimestamp"


def test_a_lagging_list() -> None:
    world = World.default(ManualClock(), speed=1000)
    with requests.Session() as session:
        session.mount("http://rds.test", EmulatorAdapter(Gateway(world)))
        caller = Caller(world, session, "http://rds.test", world.clock.now)
        world.faults.add({"kind": "list_lag", "seconds": 30, "instance": TARGET})
        caller.create()
        for later, listed in ((29, False), (1, True)):
            world.clock.advance(later)
            rows = caller("DescribeDatabases", {"DBInstanceId": TARGET}).json()["Databases"]["Database"]
            assert ("made" in {row["DBName"] for row in rows}) is listed


@pytest.mark.parametrize(
    ("fault", "struck"),
    [
        ({}, True),
        ({"service": "rds"}, True),
        ({"service": "sts"}, False),
        ({"action": "Describe*"}, True),
        ({"action": "DescribeDatabases"}, True),
        ({"action": "describe*"}, False),
        ({"instance": SOURCE}, True),
        ({"instance": TARGET}, False),
        ({"after": 1}, False),
        ({"after": 1, "action": "Create*"}, False),
    ],
)
def test_which_calls_are_struck(fault: dict[str, Any], struck: bool) -> None:
    book = FaultBook()
    book.add({"kind": "throttle", **fault})
    assert (book.strike("rds", "DescribeDatabases", {"DBInstanceId": SOURCE})[0] is not None) is struck


def test_after_and_times() -> None:
    book = FaultBook()
    book.add({"kind": "throttle", "after": 2, "times": 3}, {"kind": "stall", "after": 4, "times": 1})
    struck = [book.strike("rds", "X", {})[0] for _turn in range(7)]
    # A fault counts the calls that reach it: those that the one before it did not strike.
    assert [one.kind if one else "" for one in struck] == ["", "", "throttle", "throttle", "throttle", "", ""]


@pytest.mark.parametrize(
    "fault",
    [
        {},
        {"kind": "nonsense"},
        {"kind": "stall", "secconds": 1},
        {"kind": "stall", "seconds": "1"},
        {"kind": "stall", "seconds": -1},
        {"kind": "stall", "times": 0},
        {"kind": "stall", "after": -1},
        {"kind": "html", "status": 99},
        {"kind": "trickle", "bytes": 0},
        {"kind": "stall", "effect": 1},
        {"kind": "stall", "seconds": float("nan")},
        [],
    ],
)
def test_faults_that_cannot_be_understood(fault: Any) -> None:
    book = FaultBook()
    book.add({"kind": "stall"})
    with pytest.raises(DocumentError):
        book.replace([fault])
    assert [one["kind"] for one in book.as_documents()] == ["stall"]


@pytest.mark.parametrize("kind", KINDS)
def test_every_fault_can_be_written_and_read(kind: str) -> None:
    book, copy = FaultBook(), FaultBook()
    book.add({"kind": kind, "times": 2, "instance": TARGET})
    copy.replace(json.loads(json.dumps(book.as_documents())))
    assert copy.as_documents() == book.as_documents()


def test_waiting_passes_on_the_world_s_clock() -> None:
    world = World.default(ManualClock())
    world.faults.add({"kind": "stall"})
    begun = time.monotonic()
    with requests.Session() as session:
        session.mount("http://rds.test", EmulatorAdapter(Gateway(world)))
        start = world.clock.now()
        with pytest.raises(requests.exceptions.ReadTimeout):
            v3_call(session, "http://rds.test", start, "DescribeRegions", {}, timeout=(5, 600))
    assert world.clock.now() - start == 600
    assert time.monotonic() - begun < 5
