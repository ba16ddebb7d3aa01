# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Waits end, look at once, survive a blip, and sleep no longer than what is left."""

from __future__ import annotations

import pytest
from ansible_collections.apsaradb.migration.plugins.module_utils._failure import MigrationFailure, WaitTimeout
from ansible_collections.apsaradb.migration.plugins.module_utils._waiting import Clock, Patience, wait_until


class Time:
    def __init__(self):
        self.now, self.slept = 0.0, []

    def sleep(self, seconds):
        self.slept.append(seconds)
        self.now += seconds

    @property
    def clock(self):
        return Clock(monotonic=lambda: self.now, wall=lambda: self.now, sleep=self.sleep)


class Blip(MigrationFailure):
    transient = True


def test_what_is_over_already_is_not_waited_for():
    time = Time()
    assert wait_until(lambda: "done", lambda s: s == "done", Patience(0, 10), time.clock, waiting_for="it") == "done"
    assert time.slept == []


def test_last_pause_is_cut_to_what_is_left():
    time = Time()
    with pytest.raises(WaitTimeout) as caught:
        wait_until(lambda: 0, bool, Patience(25, 10), time.clock, waiting_for="the import")
    assert time.slept == [10, 10, 5]
    assert "the import" in caught.value.message
    assert "wait_timeout" in caught.value.remedy


def test_a_blip_costs_one_interval():
    time, looks = Time(), iter([Blip("the network"), Blip("the network"), "done"])

    def look():
        seen = next(looks)
        if isinstance(seen, Exception):
            raise seen
        return seen

    assert wait_until(look, bool, Patience(60, 10), time.clock, waiting_for="it") == "done"
    assert time.slept == [10, 10]


def test_trouble_of_the_last_look_is_told():
    def look():
        raise Blip("no route")

    with pytest.raises(WaitTimeout, match="no route"):
        wait_until(look, bool, Patience(5, 1), Time().clock, waiting_for="it")


def test_other_failures_end_the_wait_at_once():
    def look():
        raise MigrationFailure("forbidden")

    time = Time()
    with pytest.raises(MigrationFailure, match="forbidden"):
        wait_until(look, bool, Patience(60, 10), time.clock, waiting_for="it")
    assert time.slept == []
