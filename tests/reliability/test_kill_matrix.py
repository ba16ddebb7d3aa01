# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Runs that are killed at any request, read or write, before it reaches the service or after its effect.

Whoever runs the same again gets what a run without interruption gets, and the service did each thing once. The worlds
and wishes are those in which rehearsals are compared with runs (tests/unit/test_truth_*.py), as far as a run without
interruption writes something there and ends well.
"""

from __future__ import annotations

import random
from collections import Counter

import pytest
from ansible_collections.apsaradb.migration.tests.unit import truth_drawing
from ansible_collections.apsaradb.migration.tests.unit.test_truth_backups import RESTORES
from ansible_collections.apsaradb.migration.tests.unit.test_truth_cloud import MIGRATIONS
from ansible_collections.apsaradb.migration.tests.unit.test_truth_dts import JOBS, ROLE_SCENES
from ansible_collections.apsaradb.migration.tests.unit.test_truth_import import IMPORTS
from ansible_collections.apsaradb.migration.tests.unit.test_truth_objects import UPLOADS
from ansible_collections.apsaradb.migration.tests.unit.truth_session import AFTER, BEFORE, Killed
from ansible_collections.apsaradb.migration.tests.unit.truth_stage import failed_checks, one_process, run_module

TITLE = "killed runs"
PATHS = {
    "instance import": IMPORTS,
    "backup migration, upload": UPLOADS,
    "backup migration, restore": RESTORES,
    "cloud migration": MIGRATIONS,
    "DTS migration, role": ROLE_SCENES,
    "DTS migration, job": JOBS,
}
# Killed runs of each path.
USUAL, MANY = 100, 1000
# Bytes that a scene is drawn from.
BYTES = 64
# Of draws, one in a few is a run that writes and ends well.
MOST_DRAWS = 60


class KillingSession:
    """Ends the process at the request with the number `at`, counted from 0; from then on nothing is sent."""

    def __init__(self, session, at, how):
        self._session, self._at, self._how = session, at, how
        self.requests = 0

    def __getattr__(self, name):
        return getattr(self._session, name)

    def request(self, *how, **more):
        return self._passed(lambda: self._session.request(*how, **more))

    def rpc(self, *how):
        return self._passed(lambda: self._session.rpc(*how))

    def _passed(self, send):
        number, self.requests = self.requests, self.requests + 1
        if number > self._at or (number == self._at and self._how == BEFORE):
            raise Killed
        answer = send()
        if number == self._at:
            raise Killed
        return answer


class Story:
    """A scene that was drawn, what its run without interruption asked for, and where that ended."""

    def __init__(self, scene):
        self.scene = scene
        whole = scene.stage()
        self._before = len(whole.writes())
        session = whole.session = KillingSession(whole.session, float("inf"), AFTER)
        result = run_module(whole, scene)
        self.requests = session.requests
        self.effects = effects(scene, whole, self._before)
        waits = scene.wish().get("wait", True) and not scene.begins_anew
        self.is_whole = not result["failed"] and waits and not scene.surprises and bool(self.effects)
        self.end = scene.end(whole) if self.is_whole else None
        self.helpless = 0

    def killed(self, choices):
        """Kill a run, and half of the time the second one too; then run it to its end. How often it was killed."""
        torn = self.scene.stage()
        session, kills = torn.session, 0
        for _number in range(choices.randint(1, 2)):
            torn.session = KillingSession(session, choices.randrange(self.requests), choices.choice([BEFORE, AFTER]))
            kills += run_module(torn, self.scene) is None
            torn.time.sleep(self.scene.moment)
        torn.session = session
        result = run_module(torn, self.scene)
        if self._lacks_what_was_lost(result):
            self.helpless += 1
        else:
            refused = self.scene.may_refuse_to_repeat(result)
            assert not result["failed"] or refused, result["msg"]
            assert self.scene.end(torn) == self.end, "after a kill the end is another one"
        redone = effects(self.scene, torn, self._before)
        twice = {what: count for what, count in redone.items() if count > max(1, self.effects[what])}
        assert not twice, f"done twice: {twice}"
        return kills

    def _lacks_what_was_lost(self, result):
        """Whether the failure asks for what only the killed run knew.

        The id of a chain is told once by some editions, and which files a chain has taken is not told by others.
        """
        if failed_checks(result) == ["applied_files_known"]:
            return True
        if not self.scene.surprises_after_a_cut or not result["failed"]:
            return False
        if result["error"]["code"] in self.scene.surprises_after_a_cut:
            return bool(result["error"]["remedy"])
        return failed_checks(result) == ["chain_known"]


def effects(scene, stage, since):
    keys = [scene.once(call) for call in scene.sent(stage, since) if call.took_effect]
    return Counter(key for key in keys if key is not None)


def drawn_stories(scenes, choices):
    for _number in range(MOST_DRAWS):
        story = Story(scenes.of(truth_drawing.Choices(choices.randbytes(BYTES))))
        if story.is_whole:
            yield story


def kill_runs(scenes, wanted, choices):
    """How many runs were killed, in how many worlds, and how often a person has to help."""
    kills = worlds = helpless = 0
    with one_process():
        while kills < wanted:
            story = next(drawn_stories(scenes, choices), None)
            assert story, "no world was drawn in which a run writes and ends well"
            worlds += 1
            kills += story.killed(choices)
            helpless += story.helpless
    return kills, worlds, helpless


def show(figures, path, kills, worlds, helpless):
    """A person has to help where no list of the service holds the id of a chain, or the files that it has taken."""
    finished = f"{worlds - helpless} finished by running again"
    asked = (
        f", {helpless} asked for what only the killed run knew: the id of a chain, or its last file" if helpless else ""
    )
    figures(TITLE, [f"{path}: {kills} runs killed in {worlds} worlds, {finished}{asked}, 0 things done twice"])


@pytest.mark.parametrize("path", PATHS)
def test_whoever_runs_again_gets_what_was_wished(path, figures):
    show(figures, path, *kill_runs(PATHS[path], USUAL, random.Random(path)))


@pytest.mark.soak
@pytest.mark.parametrize("path", PATHS)
def test_so_do_many(path, figures):
    seed = random.randrange(2**32)
    print(f"random.Random({seed})")
    show(figures, path, *kill_runs(PATHS[path], MANY, random.Random(seed)))
