# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A stage on which many tasks call a distant service at the same time, and no time passes outside of it."""

from __future__ import annotations

import heapq
import itertools
import random
import threading

from ansible_collections.apsaradb.migration.plugins.module_utils._alibaba.rds import RDS
from ansible_collections.apsaradb.migration.plugins.module_utils._waiting import Clock
from ansible_collections.apsaradb.migration.tests.unit.stage import ENDPOINT, TARGET, Stage
from ansible_collections.apsaradb.migration.tests.unit.truth_session import TruthClient, TruthSession

LATENCY = 0.05


class SharedTime:
    """The time of several threads: one of them runs at a time, the others sleep until their moment comes.

    That makes runs repeatable: who runs next depends on the moments only.
    """

    def __init__(self, time):
        self._time = time
        self._sleepers = []
        self._numbers = itertools.count()
        self.clock = Clock(monotonic=time.now, wall=time.now, sleep=self.sleep)

    def sleep(self, seconds):
        woken = self._queue(seconds)
        self._wake_next()
        woken.wait()

    def run(self, *functions):
        """All functions at once, each in a thread; what one raises is raised here."""
        failures, ended = [], threading.Event()
        left = len(functions)

        def run_one(function, woken):
            nonlocal left
            woken.wait()
            try:
                function()
            except BaseException as failure:
                failures.append(failure)
            left -= 1
            if left:
                self._wake_next()
            else:
                ended.set()

        for function in functions:
            threading.Thread(target=run_one, args=(function, self._queue(0.0)), daemon=True).start()
        self._wake_next()
        ended.wait()
        if failures:
            raise failures[0]

    def _queue(self, seconds):
        woken = threading.Event()
        heapq.heappush(self._sleepers, (self._time.now() + max(seconds, 0.0), next(self._numbers), woken))
        return woken

    def _wake_next(self):
        moment, _number, woken = heapq.heappop(self._sleepers)
        self._time.advance(max(moment - self._time.now(), 0.0))
        woken.set()


class DistantSession(TruthSession):
    """Takes the place of requests.Session. What is sent over HTTP does not depend on the pace, and costs the most."""

    def __init__(self, world, clock):
        super().__init__(world)
        self._clock = clock

    def _read(self, call):
        self._clock.sleep(LATENCY / 2)
        answer = self._written(call)
        self._clock.sleep(LATENCY / 2)
        return answer


class DistantStage(Stage):
    """Every call takes 50 ms. limit: calls per second and account."""

    def __init__(self, limit=20):
        super().__init__()
        self.shared = SharedTime(self.time)
        self.clock = self.shared.clock
        self.limit(limit)
        self.began = self.time.now()
        self.sent = []  # (seconds since the beginning, task, whether it was let through)
        self._distant = DistantSession(self.world, self.clock)

    def limit(self, per_second):
        self.world.state.quotas.requests_per_second = per_second

    def task(self, name, calls, threads=8):
        """Functions, one for each thread of a task that makes so many calls together."""
        client = TruthClient(
            RDS,
            ENDPOINT,
            self.services().credentials,
            self._distant,
            read_only=True,
            clock=self.clock,
            jitter=random.Random(name).random,
        )
        left = iter(range(calls))

        def call():
            for _number in left:
                client.call("DescribeDatabases", {"DBInstanceId": TARGET, "PageSize": 30})
                self.sent.append((self.time.now() - self.began, name))

        return [call] * threads, client

    def refused(self):
        return [call for call in self.calls() if call.code.startswith("Throttling")]
