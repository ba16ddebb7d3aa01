# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the cells of the fault matrix are: an action that modules send, a class of faults, and what has to hold.

Rows come from the code: every name of an action in it. A cell is right if every trial of it is: a run meets the fault,
ends in time, either well or with a failure that has a code and a remedy; the next run ends well; and all together did
what one run without faults does, once.
"""

from __future__ import annotations

import functools
import pathlib
import re
from collections import Counter
from typing import NamedTuple

from ansible_collections.apsaradb.migration.plugins.module_utils._paths.backup_migration import BackupMigration
from ansible_collections.apsaradb.migration.plugins.module_utils._waiting import Clock
from ansible_collections.apsaradb.migration.tests.reliability.fault_classes import (
    LASTING,
    Trouble,
    lay_lines,
)
from ansible_collections.apsaradb.migration.tests.reliability.fault_stories import stories
from apsara_emulator.contracts import load_contracts
from apsara_emulator.oss.call import ACTIONS as OSS_ACTIONS
from apsara_emulator.registry import ACTIONS

PLUGINS = pathlib.Path(__file__).resolve().parents[2] / "plugins"
WRITES = {name for (_service, name), one in ACTIONS.items() if one.mutating}
WRITES |= {name for name, one in OSS_ACTIONS.items() if one.mutating}
KNOWN = {name for names in load_contracts().values() for name in names}
KNOWN |= {name for _service, name in ACTIONS} | OSS_ACTIONS.keys()
# Named in the code as allowed to a rehearsal, or as a permission (the last one), and sent by no module.
NEVER_SENT = {"CheckDBNameAvailable", "DescribeDBInstances", "DescribeRegions", "DeleteObject"}
# Sent again where the answer is lost: a repetition leaves what the first one made.
REPLACING = {
    "UploadPart",
    "PutObject",
    "PutObjectTagging",
    "PutBucketTags",
    "DeleteMultipleObjects",
    "ModifyDynamicConfig",
}
BEGIN_UPLOAD, ABORT_UPLOAD = "InitiateMultipartUpload", "AbortMultipartUpload"
REPEATED = REPLACING - {"ModifyDynamicConfig"} | {ABORT_UPLOAD}
# They are long: in small pieces, with a tenth of a second between two, they take longer than an answer may.
LONG_ANSWERS = {"GetObject"}
# Marks that are set beside the work. The next run does without one that was not set.
MARKS = {"PutObjectTagging", "PutBucketTags"}
# Where work in flight shows in no reading, only the refusal of a second one tells of it. Later its result shows.
UNSEEN = {"InvalidDBName.Duplicate"}
# What a listing that lags shows late, by the action that lists.
LISTINGS = {
    "DescribeDatabases": {"ImportDatabaseBetweenInstances", "CopyDatabaseBetweenInstances"},
    "DescribeMigrateTasks": {"CreateMigrateTask"},
    "DescribeCloudMigrationPrecheckResult": {"CreateCloudMigrationPrecheckTask"},
    "DescribeCloudMigrationResult": {"CreateCloudMigrationTask"},
    "DescribeDtsJobs": {"ConfigureDtsJob", "CreateDtsInstance"},
}
SHOWN_LATE = set().union(*LISTINGS.values())

# Seconds for which a call is repeated, of silence until an answer is given up, and that a loop may take longer.
REPEATING, SILENCE, SLACK = 130.0, 125.0, 60.0
# Between a run that failed and the next one.
PAUSE = 120.0


class Overdue(BaseException):
    """A run went on after its deadline. No code that expects a failure may catch it."""


class AnotherEnd(AssertionError):
    """Without any fault, a story does not end as it should."""


class Clean(NamedTuple):
    """A run without faults: its calls, effects, seconds, and the end of the world."""

    calls: list
    effects: Counter
    seconds: float
    end: object


@functools.cache
def actions_of_code():
    """The actions that are named in the collection's code."""
    texts = (
        text
        for path in sorted(PLUGINS.rglob("*.py"))
        for text in re.findall(r'"([A-Z]\w+)"', path.read_text(encoding="utf-8"))
    )
    return KNOWN.intersection(texts) - NEVER_SENT


def rows():
    """Writes first."""
    return sorted(actions_of_code(), key=lambda name: (name not in WRITES, name))


NOT_LISTED = "nothing of it is shown by a listing that may lag"


def reason_not_to_test(action, fault_class):
    """Why a cell makes no sense; empty for those that do."""
    if fault_class.name.startswith("listing") and action not in SHOWN_LATE and action not in LISTINGS:
        return NOT_LISTED
    return ""


# By variants and story; each is played once by a process.
_CLEAN = {}


class Theatre:
    """Where stories are played. run: the fixture; patch: pytest's monkeypatch. variants: of the worlds."""

    def __init__(self, run, patch, variants=None):
        self._run, self._patch, self._variants = run, patch, variants
        world = None if variants is None else tuple(variants.items())
        self._clean = _CLEAN.setdefault(world, {})
        # One request at a time, so that the same world gives the same story.
        patch.setitem(BackupMigration.__init__.__kwdefaults__, "workers", 1)

    def tellers(self, action):
        """The stories in which the action is sent, each with its clean run."""
        for story in stories():
            clean = self.clean(story)
            if action in clean.calls:
                yield story, clean

    def clean(self, story):
        """A run without faults, which has to end well."""
        if story not in self._clean:
            stage, since = self._stage(story)
            result, seconds = self._play(story, stage, 10 * story.longest)
            if result["failed"] or story.state != result.get("state", ""):
                raise AnotherEnd(f"{story.name} fails without any fault: {result.get('msg')}")
            calls = [call.action for call in stage.world.calls.select(since=since)]
            self._clean[story] = Clean(calls, effects(stage, since), seconds, story.end(stage))
        return self._clean[story]

    def cell(self, action, fault_class, *, thorough=False):
        """What is wrong with it, as texts. thorough: all stories and strikes, at several moments."""
        found = []
        for story, clean in self.tellers(action) if thorough else [next(self.tellers(action))]:
            for strike in fault_class.strikes if thorough else fault_class.strikes[:1]:
                if strike.only_writes and action not in WRITES:
                    strike = fault_class.strikes[-1]
                count = clean.calls.count(action)
                middle = (count - 1) // 2
                for after in sorted({0, middle, count - 1}) if thorough else [middle]:
                    wrong = self._trial(story, clean, action, strike, after)
                    found += [f"{story.name}, call {after + 1} of {action}, {strike}: {wrong}"] if wrong else []
        return found

    def _stage(self, story):
        """A stage on which everything is ready, and the number of its last call."""
        stage = story.stage(self._variants)
        lay_lines(stage)
        for fleet in (stage.world.postgresql, stage.world.mysql):
            self._patch.setattr(fleet, "is_possible", lambda _instance: False)
        if hasattr(stage, "prepare"):
            stage.prepare(self._patch)
        story.before(stage, lambda module, **options: self._run(stage, module, **options))
        logged = stage.world.calls.select()
        return stage, logged[-1].seq if logged else 0

    def _play(self, story, stage, limit):
        """The result of a run, and the seconds it took. Raises Overdue after `limit` seconds."""
        began, sleep = stage.time.now(), stage.clock.sleep

        def watched(seconds):
            sleep(seconds)
            if stage.time.now() - began > limit:
                raise Overdue(f"after {limit:g} seconds it still runs")

        kept = stage.clock
        stage.clock = Clock(kept.monotonic, kept.wall, watched)
        try:
            result = self._run(stage, story.module, **story.wish(stage))
        finally:
            stage.clock = kept
        seconds = stage.time.now() - began
        if seconds > limit:
            raise Overdue(f"it ran for {seconds:g} seconds, {limit:g} are allowed")
        return result, seconds

    def _trial(self, story, clean, action, strike, after):
        stage, since = self._stage(story)
        stage.trouble = trouble = Trouble(stage.world, action, strike, after)
        # What is waited for is looked at again and again, until the deadline.
        stops = action not in WRITES or strike.everywhere
        waiting = story.longest if stops and strike.length == LASTING else 0.0
        # A write that is looked for is looked for as long as `settle` says.
        limit = clean.seconds + REPEATING + SILENCE + SLACK + waiting + 60.0
        try:
            first, _seconds = self._play(story, stage, limit)
            trouble.end()
            if not trouble.struck:
                return "the fault was not met"
            written, sent = len(stage.writes()), _sent(stage, since, action)
            stage.time.sleep(PAUSE)
            second, _seconds = self._play(story, stage, limit + story.longest)
            if second["failed"] and second["error"]["code"] in UNSEEN:
                stage.time.sleep(story.longest)
                second, _seconds = self._play(story, stage, limit + story.longest)
        except Overdue as overdue:
            return str(overdue)
        wrong = _wrong_with_first(first, strike, action, len(stage.writes()) - written)
        if action in WRITES - REPEATED and sent > clean.calls.count(action):
            wrong.append(f"the first run sent it {sent} times")
        if second["failed"] or second.get("state", "") != story.state:
            wrong.append(f"the second run: {second.get('msg') or second.get('state')} (after: {first.get('msg')})")
        wrong += _wrong_effects(clean, effects(stage, since), _parts_are_alike(stage))
        end = story.end(stage)
        wrong += [f"the end is {end} and not {clean.end}"] if end != clean.end else []
        return "; ".join(wrong)


def _sent(stage, since, action):
    """How often a call reached the service and was not refused as one too many."""
    return sum(c.action == action and "throttle" not in c.fault for c in stage.world.calls.select(since=since))


def effects(stage, since):
    """How often each action changed the world."""
    return Counter(call.action for call in stage.world.calls.select(since=since) if call.mutating and call.took_effect)


def _wrong_with_first(first, strike, action, written_after):
    if not first["failed"]:
        return ["the second run wrote, though the first had ended well"] if written_after else []
    error = first.get("error") or {}
    wrong = [f"the failure has no {name}" for name in ("code", "remedy") if not error.get(name)]
    if strike.passes:
        wrong.append(f"failed: {first['msg']}")
    stops_readings = strike.stops_readings or (action in LONG_ANSWERS and (strike.fault or {}).get("kind") == "trickle")
    if strike.length != LASTING and action not in WRITES and not stops_readings:
        wrong.append(f"failed for one lost reading: {first['msg']}")
    if strike.codes and not str(error.get("code")).startswith(strike.codes) and not _is_doubt(first, action):
        wrong.append(f"failed with {error.get('code')}: {first['msg']}")
    return wrong


def _is_doubt(first, action):
    """A reading that only informs may fail: its check is unknown then, and in front of a one-way step that stops."""
    statuses = {check["status"] for check in first.get("checks") or ()}
    stopped = (first.get("error") or {}).get("code") == "no_go"
    return action not in WRITES and stopped and "unknown" in statuses and "fail" not in statuses


def _parts_are_alike(stage):
    """What the parts of an upload hold is told neither by their ETags nor by checksums, so all are sent anew."""
    variants = stage.world.variants
    return variants["oss_part_etag"] == "opaque" and variants["oss_listed_part_crc"] == "missing"


def _wrong_effects(clean, done, parts_are_alike):
    wrong = []
    begun, aborted = (done[action] - clean.effects[action] for action in (BEGIN_UPLOAD, ABORT_UPLOAD))
    # An upload that no part has reached holds nothing to know it by: it is aborted, and another one is begun.
    anew = {BEGIN_UPLOAD, ABORT_UPLOAD} if begun == aborted == 1 else set()
    for action in sorted((clean.effects | done).keys() - anew):
        there, wanted = done[action], clean.effects[action]
        most = 2 * wanted if parts_are_alike and action == "UploadPart" else wanted + 2
        repeated = wanted < there <= most and action in REPLACING
        if there != wanted and not repeated and not (action in MARKS and there < wanted):
            wrong.append(f"{action} took effect {there} times and not {wanted}")
    return wrong
