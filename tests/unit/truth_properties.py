# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a rehearsal promises, as properties that hold in any world, for any wish, and for runs that were cut short.

A world may make a run fail for a reason that no reading shows, such as data that cannot be restored. A scene names the
codes of such failures only where its world holds such a reason. Then the promise is the weaker one: nothing was sent
that was not planned, in the order of the plan, and the next run ends well or with such a code again.
"""

from __future__ import annotations

from collections import Counter

from ansible_collections.apsaradb.migration.tests.unit.truth_session import NEVER
from ansible_collections.apsaradb.migration.tests.unit.truth_stage import MASK, failed_checks, run_module

NO_GO = "no_go"
# How a run may end that the rehearsal said nothing about, because something was in flight.
UNTOLD = (NO_GO, "plan_unknown", "wait_timeout")


def assert_truth(scene, cut):
    """The story in one world, and the same in that world after a run that met `cut`. Returns what was sent."""
    whole = scene.stage()
    told, sent = assert_story(scene, whole)
    if not sent or cut.number >= NEVER:
        return sent
    torn, certain = scene.stage(), not scene.surprises
    run_module(torn, scene, cut=cut._replace(number=cut.number % len(sent)))
    torn.time.sleep(scene.moment)
    scene.learn_after_a_cut(torn)
    scene.surprises |= scene.surprises_after_a_cut
    retold, _rest = assert_story(scene, torn)
    done, redone = _effects(scene, whole), _effects(scene, torn)
    waits = scene.wish().get("wait", True)
    good = certain and _good(told) and _good(retold)
    if good and waits:
        assert scene.end(torn) == scene.end(whole), "after a cut the end is another one"
        assert redone == done, "after a cut something was done twice, or never"
    elif good:
        # A run that does not wait cannot tell what became of what it began in spite of a failed check.
        if _was_forced(scene, told):
            done -= scene.begun_in_vain(whole)
            redone -= scene.begun_in_vain(torn)
        twice = {key: count for key, count in redone.items() if count > max(1, done[key])}
        assert not twice, f"after a cut this was done twice: {twice}"
    return sent


def assert_story(scene, stage):
    """Rehearse, run, and run again. Returns the result of the run, and what it sent."""
    before = len(stage.writes())
    rehearsed = run_module(stage, scene, check=True)
    assert len(stage.writes()) == before, "a rehearsal wrote"
    done = run_module(stage, scene)
    sent = scene.sent(stage, before)
    _assert_no_fail_was_passed(scene, rehearsed, [])
    _assert_no_fail_was_passed(scene, done, sent)
    if rehearsed["failed"]:
        _assert_failed_likewise(rehearsed, done, sent)
    elif _wants_a_yes(rehearsed, scene.wish()):
        _assert_refused_for_want_of_a_yes(done, sent)
    elif _is_open(rehearsed):
        _assert_sent_is_the_plan(scene, done, sent, whole=_good(done))
        assert _good(done) or _code(done) in UNTOLD or _has_a_reason(scene, done, sent), done["msg"]
    else:
        _assert_came_true(scene, rehearsed, done, sent)
    _assert_again(scene, stage, done)
    return done, sent


def _good(result):
    return not result["failed"]


def _was_forced(scene, result):
    """It went on in spite of a failed check, as was wished."""
    return result.get("verdict") == NO_GO and scene.wish().get("preflight") == "warn"


def _fails_as_before(done, again):
    """Where one database is left of several that failed, the run fails with the code of that one."""
    before, now = (
        {(one["target"], one["cause"]) for one in result.get("databases") or () if one["state"] == "failed"}
        for result in (done, again)
    )
    return bool(now) and now <= before


def _is_open(rehearsed):
    """It said that it cannot tell, so it promised nothing."""
    return rehearsed["state"] == "unknown" and rehearsed["predicted"] and not rehearsed["plan"]


def _code(result):
    return result.get("error", {}).get("code")


def _assert_no_fail_was_passed(scene, result, sent):
    failed = failed_checks(result)
    if failed and scene.wish().get("preflight", "enforce") == "enforce":
        assert (_code(result), sent) == (NO_GO, []), f"passed over {failed}"


def _assert_failed_likewise(rehearsed, done, sent):
    assert done["failed"], f"the rehearsal failed with {rehearsed['msg']}"
    assert _code(done) == _code(rehearsed), (rehearsed["msg"], done["msg"])
    assert sent == []


def _wants_a_yes(rehearsed, wish):
    return any(step["one_way"] and step["target"] != wish.get("confirm") for step in rehearsed["plan"])


def _assert_refused_for_want_of_a_yes(done, sent):
    assert (_code(done), sent) == (NO_GO, [])
    assert "confirm" in failed_checks(done)


def _assert_came_true(scene, rehearsed, done, sent):
    assert scene.timeless(done["plan"]) == scene.timeless(rehearsed["plan"]), "another plan than the rehearsal's"
    assert _statuses(done) == _statuses(rehearsed), "other checks than the rehearsal's"
    _assert_sent_is_the_plan(scene, rehearsed, sent, whole=_good(done))
    if done["failed"]:
        assert _has_a_reason(scene, done, sent), f"failed without a reason in this world: {_code(done)} {done['msg']}"
        return
    assert scene.timeless(done["diff"]) == scene.timeless(rehearsed["diff"])
    assert done["changed"] == rehearsed["changed"] == bool(sent)
    if scene.wish().get("wait", True):
        assert _states(done) == _states(rehearsed)
        assert done["state"] == rehearsed["state"]


def _statuses(result):
    """Of the checks; a yes that is missing is told in another way by a rehearsal."""
    return [(check["name"], check["status"]) for check in result["checks"] if check["name"] != "confirm"]


def _states(result):
    """Of the databases and uploads of a result."""
    return [one.get("state") for key in ("databases", "uploads") for one in result.get(key) or ()]


def _has_a_reason(scene, done, sent):
    """The world holds one, or the checks told of it beforehand."""
    failed, unknown, warned = (
        {check["name"] for check in done["checks"] if check["status"] == status}
        for status in ("fail", "unknown", "warn")
    )
    was_refused = bool(sent and sent[-1].code and sent[-1].code == _code(done))
    return _code(done) in scene.surprises or failed or warned & scene.fatal_warnings or (unknown and was_refused)


def _assert_sent_is_the_plan(scene, result, sent, *, whole):
    """whole: all of it. Else as much of it as there was time for."""
    plans, rest, refused = scene.orders(result["plan"]), list(sent), []
    while rest:
        # What was refused for the moment may come again; then again it may be what was wanted already.
        heads = [[s for s in plan[:2] if s is plan[0] or plan[0] in refused] for plan in plans]
        reasons = [
            (_why_not(scene, step, rest[0]), plan, step) for plan, few in zip(plans, heads, strict=True) for step in few
        ]
        fits = next(((plan, step) for reason, plan, step in reasons if not reason), None)
        assert fits, f"sent, and not planned: {rest[0]}: {[reason for reason, _plan, _step in reasons]}"
        plan, step = fits
        del plan[: plan.index(step) + 1]
        if rest[0].code and step.get("or_else") and rest[1:]:
            plan.insert(0, step["or_else"])
        elif rest[0].code:
            plan.insert(0, step)
            refused.append(step)
        rest = rest[1:] if rest[0].code else scene.after(step, rest)
    left = [step for plan in plans for step in plan if step not in refused]
    assert not whole or not left, f"planned, and not sent: {left}"


def _why_not(scene, step, call):
    """Why a call is not what a step begins with; empty if it is."""
    if call.action not in scene.actions_of(step):
        return f"{step['action']} is planned"
    planned = {k: v for k, v in scene.parameters_of(step).items() if v is not None}
    for name, value in planned.items():
        if value != MASK and not scene.is_sent_as(name, value, call.parameters.get(name)):
            return f"{name} is planned as {value!r}"
    more = call.parameters.keys() - planned.keys() - scene.beside_the_plan
    more = sorted(name for name in more if call.parameters[name] != MASK)
    return f"{more} are not planned" if more else ""


def _assert_again(scene, stage, done):
    """A run that ended well leaves nothing to do; one that did not leaves nothing worse."""
    before = len(stage.writes())
    again = run_module(stage, scene)
    sent = scene.sent(stage, before)
    _assert_no_fail_was_passed(scene, again, sent)
    if done["failed"]:
        # A check may have learnt from the failure; then nothing is sent again.
        known = {_code(done), *scene.surprises, NO_GO}
        # Whoever goes on in spite of a failed check finds out why it failed.
        reason = _was_forced(scene, done) or _fails_as_before(done, again) or scene.may_refuse_to_repeat(again)
        assert _good(again) or _code(again) in known or reason, again["msg"]
        return
    goes_on = scene.goes_on_without_waiting and not scene.wish().get("wait", True)
    if not goes_on and not scene.begins_anew:
        assert sent == [], "the second run wrote"
        if not scene.may_refuse_to_repeat(again):
            assert (again["failed"], again["changed"], again["plan"]) == (False, False, []), again.get("msg")


def _effects(scene, stage):
    keys = [scene.once(call) for call in scene.sent(stage, 0) if call.took_effect]
    return Counter(key for key in keys if key is not None)
