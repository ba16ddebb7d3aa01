# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Runs that die at any request: the next one finishes, and each backup is handed to the service once."""

from __future__ import annotations

import random
import threading

import pytest
import requests
from ansible_collections.apsaradb.migration.tests.unit.backup_stage import (
    MODULE,
    WISH,
    BackupStage,
    differential,
    full,
    log,
)
from ansible_collections.apsaradb.migration.tests.unit.stage import TARGET
from apsara_emulator import Variants

# A chain that is opened at once: everything that a run may be asked for is in it.
RUN = {**WISH, "confirm": TARGET, "accept": ["chain_alive", "already_there", "earlier_tasks"], "poll_interval": 5}
FULL, CHAIN = ("crm", "hr", "sales"), ("orders_1.bak", "orders_2.bak", "orders_3.trn", "orders_4.trn")


class Killed(BaseException):
    """The end of the process. No code that expects a failure may catch it."""


class MortalAdapter(requests.adapters.BaseAdapter):
    """Hands requests on until the one with number `last`; it, and all after it, find the process dead.

    arrives: whether the last request still reaches the service.
    """

    def __init__(self, behind, last, arrives, counter):
        super().__init__()
        self._behind, self._last, self._arrives, self._counter = behind, last, arrives, counter

    def send(self, request, **options):
        with self._counter["lock"]:
            self._counter["requests"] += 1
            number = self._counter["requests"]
        if number > self._last or (number == self._last and not self._arrives):
            raise Killed
        answer = self._behind.send(request, **options)
        if number == self._last:
            raise Killed
        return answer

    def close(self):
        self._behind.close()


def stage_with_backups():
    stage = BackupStage(Variants({"chain_tasks_listed": "yes"}))
    for name in FULL:
        stage.put(f"{name}.bak", full(name))
    stage.put("orders_1.bak", full("orders", checkpoint_lsn="1000"))
    stage.put("orders_2.bak", differential("orders", 4))
    stage.put("orders_3.trn", log("orders", 6, 4))
    stage.put("orders_4.trn", log("orders", 8, 6))
    return stage


def run_until(run, stage, last, *, arrives=False):
    """A run that dies at its request number `last`. How many requests there were."""
    counter = {"requests": 0, "lock": threading.Lock()}
    alive = dict(stage.session.adapters)
    for place, adapter in alive.items():
        stage.session.mount(place, MortalAdapter(adapter, last, arrives, counter))
    try:
        run(stage, MODULE, **RUN)
    except Killed:
        pass
    finally:
        for place, adapter in alive.items():
            stage.session.mount(place, adapter)
    return counter["requests"]


def assert_finished_once(stage, done):
    assert (done["failed"], done["state"]) == (False, "restored"), done
    sent = stage.creates()
    assert sorted(name for name, mode, _key in sent if mode == "FULL") == list(FULL)
    assert [key for _name, mode, key in sent if mode == "UPDF"] == list(CHAIN)
    assert stage.changes().count("CreateOnlineDatabaseTask") == 1
    assert {name: stage.databases()[name] for name in (*FULL, "orders")} == dict.fromkeys((*FULL, "orders"), "Running")


@pytest.fixture(scope="module")
def whole():
    """How many requests a run takes that nothing kills."""
    return {}


def kill_and_run_again(run, seed, whole):
    if "requests" not in whole:
        stage = stage_with_backups()
        whole["requests"] = run_until(run, stage, 10**6)
        assert_finished_once(stage, run(stage, MODULE, **RUN))
    chance = random.Random(seed)
    stage = stage_with_backups()
    for _death in range(chance.choice((1, 1, 2, 3))):
        run_until(run, stage, chance.randint(1, whole["requests"]), arrives=chance.random() < 0.5)
        stage.time.sleep(chance.choice((0, 5, 60, 600)))
    done = run(stage, MODULE, **RUN)
    assert_finished_once(stage, done)
    again = run(stage, MODULE, **RUN)
    assert (again["failed"], again["changed"]) == (False, False), again


# Through HTTP and all; tests/reliability kills a hundred runs of each path past it.
@pytest.mark.parametrize("seed", range(3))
def test_killed_at_any_request(run, whole, seed):
    kill_and_run_again(run, seed, whole)


@pytest.mark.soak
@pytest.mark.parametrize("seed", range(3, 115))
def test_killed_at_any_request_many_times(run, whole, seed):
    kill_and_run_again(run, seed, whole)
