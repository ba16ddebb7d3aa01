# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How fast calls are sent once the service refused one as too many: nothing fails, nobody starves, little is lost."""

from __future__ import annotations

import itertools
import subprocess
import sys

import pytest
from ansible_collections.apsaradb.migration.plugins.module_utils._alibaba.errors import ServiceError
from ansible_collections.apsaradb.migration.plugins.module_utils._alibaba.pacing import LEAST, Pace
from ansible_collections.apsaradb.migration.plugins.module_utils._alibaba.rpc_retries import Retrying
from ansible_collections.apsaradb.migration.plugins.module_utils._waiting import Clock
from ansible_collections.apsaradb.migration.tests.unit.pacing_stage import LATENCY, DistantStage
from ansible_collections.apsaradb.migration.tests.unit.stage import SOURCE, TARGET, Stage
from apsara_emulator import ManualClock
from hypothesis import given
from hypothesis import strategies as st

READ, READ_ARGUMENTS = "DescribeDBInstanceAttribute", {"DBInstanceId": SOURCE}


def test_without_a_refusal_nothing_is_slowed_down():
    stage = DistantStage(limit=0)
    threads, client = stage.task("alone", 400)
    stage.shared.run(*threads)
    assert stage.time.now() - stage.began == pytest.approx(400 / 8 * LATENCY, abs=0.001)
    assert client._traffic.pace is None


def test_what_is_needed_only_then_is_not_imported_before():
    code = (
        "import sys, {0}.rpc, {0}.services; print([m for m in sys.modules if m.endswith(('.pacing', '.rpc_retries'))])"
    )
    package = "ansible_collections.apsaradb.migration.plugins.module_utils._alibaba"
    paths = f"import sys; sys.path[:] = {sys.path!r}; "
    done = subprocess.run(
        [sys.executable, "-c", paths + code.format(package)], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]", done.stderr


@pytest.mark.parametrize(("limit", "threads"), [(20, 8), (100, 32)])
def test_one_task_of_a_thousand_calls_comes_close_to_the_limit(limit, threads):
    stage = DistantStage(limit)
    stage.shared.run(*stage.task("alone", 1000, threads)[0])
    assert len(stage.sent) == 1000
    assert stage.time.now() - stage.began < 1.1 * 1000 / limit
    # At the beginning as many as there are threads, then one now and then.
    assert len(stage.refused()) < threads + 25


def test_another_client_of_the_same_account_is_paced_too():
    stage = DistantStage()
    services = stage.services()
    for _number in range(40):
        stage.world.faults.replace([{"kind": "throttle", "times": 1}] if _number == 0 else [])
        services.rds.call(READ, READ_ARGUMENTS)
    assert services.reading("cn-shanghai").rds._traffic is services.rds._traffic
    somebody_else = services.reading(credentials={"access_key_id": "LTAI5tSomebody", "access_key_secret": "x" * 30})
    assert somebody_else.rds._traffic is not services.rds._traffic


def test_the_pace_rises_when_the_limit_is_lifted():
    stage = DistantStage(limit=5)
    threads, client = stage.task("alone", 100)
    stage.shared.run(*threads)
    assert client._traffic.pace.rate < 7
    stage.limit(0)
    before = stage.time.now()
    stage.shared.run(*[threads[0]] * 8)  # nothing is left for these
    more = iter(range(2000))
    stage.shared.run(*[lambda: [client.call(READ, READ_ARGUMENTS) for _n in more]] * 8)
    # At 5 a second it would take 400 seconds; without a pace 12.5.
    assert stage.time.now() - before < 60


def test_the_pace_falls_when_the_limit_does():
    stage = DistantStage(limit=50)
    threads, client = stage.task("alone", 500)
    stage.shared.run(*threads)
    stage.limit(5)
    before, refused = stage.time.now(), len(stage.refused())
    more = iter(range(200))
    stage.shared.run(*[lambda: [client.call(READ, READ_ARGUMENTS) for _n in more]] * 8)
    assert stage.time.now() - before < 1.3 * 200 / 5
    assert len(stage.refused()) - refused < 80


@pytest.mark.parametrize(("threads", "calls"), [(1, 60), (8, 80)])
def test_twenty_processes_share_a_limit(threads, calls):
    """As forks of Ansible, which know nothing of each other. Nobody fails and nobody starves."""
    stage = DistantStage(limit=20)
    names = [f"task{number}" for number in range(20)]
    stage.shared.run(*[function for name in names for function in stage.task(name, calls, threads)[0]])
    ends = {name: [moment for moment, who in stage.sent if who == name] for name in names}
    assert all(len(own) == calls for own in ends.values())
    assert stage.time.now() - stage.began < 1.25 * 20 * calls / 20
    # Luck decides in the first seconds. After them no task is ever left without an answer for long.
    first_end = min(own[-1] for own in ends.values())
    pauses = [later - before for own in ends.values() for before, later in itertools.pairwise(own)]
    assert max(pauses) < 15
    early = [sum(20 < moment <= first_end for moment in own) / (first_end - 20) for own in ends.values()]
    assert first_end > 20
    assert max(early) < 3  # calls per second; 1 is the fair share
    assert sum(early) ** 2 / (20 * sum(share**2 for share in early)) > 0.75  # Jain's index of fairness; 1 is best


@given(
    had=st.integers(0, 60),
    moves=st.lists(
        st.tuples(st.sampled_from(["turn", "turn", "turn", "taken", "refused", "idle"]), st.floats(0, 3)), max_size=80
    ),
)
def test_calls_are_never_closer_than_the_highest_rate_allows(had, moves):
    """Over any window there are no more than the rate allows, and one."""
    time = ManualClock(0.0)
    clock = Clock(monotonic=time.now, wall=time.now, sleep=time.sleep)
    pace = Pace([-0.5 + n / 200 for n in range(had)], clock, lambda: 0.5)
    turns, rates = [], []
    for kind, amount in moves:
        if kind == "turn":
            pace.wait_for_turn()
            turns.append(time.now())
            rates.append(pace.rate)
        elif kind == "taken":
            pace.let_through()
        elif kind == "refused":
            pace.refused(time.now(), amount if amount > 2 else 0.0)
        else:
            time.advance(amount)
        assert pace.rate >= LEAST
    for first, start in enumerate(turns):
        for last in range(first, len(turns)):
            most = max(rates[first : last + 1])
            assert last - first + 1 <= (turns[last] - start) * most + 1 + 1e-6


def test_the_first_rate_is_what_was_let_through():
    time = ManualClock(100.0)
    clock = Clock(monotonic=time.now, wall=time.now, sleep=time.sleep)
    pace = Pace([90.0, *(99.2 + n / 100 for n in range(20))], clock, lambda: 0.0)
    assert pace.rate == 20
    pace.wait_for_turn()
    # The limit has just been used up: the next place in the window is free when the first of these calls leaves it.
    assert time.now() == pytest.approx(100.2)


def test_a_call_gives_up_when_nothing_is_let_through_any_more():
    stage = Stage()
    stage.world.faults.add({"kind": "throttle"})
    before = stage.time.now()
    with pytest.raises(ServiceError, match="Throttling"):
        stage.services().rds.call(READ, READ_ARGUMENTS)
    assert 60 < stage.time.now() - before <= Retrying().patience


def test_a_call_waits_while_others_are_let_through_but_not_for_ever():
    """One action is refused for good, the others are not."""
    stage = DistantStage(limit=0)
    stage.world.faults.add({"kind": "throttle", "action": READ})
    client = stage.services().rds
    ended = []

    def refused():
        with pytest.raises(ServiceError, match="Throttling"):
            client.call(READ, READ_ARGUMENTS)
        ended.append(stage.time.now() - stage.began)

    def served():
        while not ended:
            client.call("DescribeDatabases", {"DBInstanceId": TARGET})
            stage.clock.sleep(5)

    stage.shared.run(refused, served)
    assert Retrying().patience < ended[0] <= Retrying().longest


def test_a_wait_that_is_longer_than_anybody_s_patience_stops_only_the_one_who_was_asked_for_it():
    stage = Stage()
    client = stage.services().rds
    stage.world.faults.add({"kind": "throttle", "times": 1, "retry_after": 99999999})
    with pytest.raises(ServiceError, match="Throttling"):
        client.call(READ, READ_ARGUMENTS)
    before = stage.time.now()
    client.call(READ, READ_ARGUMENTS)
    assert stage.time.now() - before < 10
