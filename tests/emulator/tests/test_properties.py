# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whatever is called in whatever order, under whatever variants: some things hold."""

from __future__ import annotations

import contextlib
import json

from apsara_emulator import ApiError, ManualClock, World, draw
from apsara_emulator.default_world import ACCOUNT_ONE
from apsara_emulator.operations import busy_with, settle
from hypothesis import given, settings
from hypothesis import strategies as st

from .inprocess import SOURCE, TARGET

_NAMES = st.lists(st.sampled_from(["hr", "crm", "sales", "nothing"]), min_size=1, max_size=3, unique=True)
_STEP = st.one_of(
    st.tuples(st.just("import"), _NAMES, st.booleans()),
    st.tuples(st.just("copy"), _NAMES, st.booleans()),
    st.tuples(st.just("cancel"), st.integers(0, 3), st.booleans()),
    st.tuples(st.just("wait"), st.integers(1, 200), st.booleans()),
    st.tuples(st.just("delete"), st.sampled_from(["hr", "crm"]), st.booleans()),
    st.tuples(st.just("create"), st.sampled_from(["hr", "crm"]), st.booleans()),
)
_OUTCOMES = st.lists(st.sampled_from(["fails", "never_starts"]), max_size=2)


def take(world: World, kind: str, value: object, forward: bool) -> None:
    """One step; a refusal is fine."""
    source, target = (SOURCE, TARGET) if forward else (TARGET, SOURCE)
    names = json.dumps({name: name for name in value}) if isinstance(value, list) else ""
    started = [one.id for one in world.state.operations]
    import_id = started[value] if isinstance(value, int) and value < len(started) else 1
    calls: dict[str, tuple[str, dict[str, object]]] = {
        "import": (
            "ImportDatabaseBetweenInstances",
            {"DBInstanceId": target, "SourceDBInstanceId": source, "DBInfo": f'{{"DBNames":{names}}}'},
        ),
        "copy": (
            "CopyDatabaseBetweenInstances",
            {"DBInstanceId": source, "TargetDBInstanceId": target, "DbNames": names, "BackupId": "321020569"},
        ),
        "cancel": ("CancelImport", {"DBInstanceId": target, "ImportId": import_id}),
        "delete": ("DeleteDatabase", {"DBInstanceId": target, "DBName": value}),
        "create": ("CreateDatabase", {"DBInstanceId": target, "DBName": value, "CharacterSetName": "x"}),
    }
    if kind == "wait":
        world.clock.advance(float(str(value)))
    else:
        with contextlib.suppress(ApiError):
            action, parameters = calls[kind]
            world.call(ACCOUNT_ONE, action, parameters)


@settings(max_examples=150, deadline=None)
@given(seed=st.integers(0, 10**6), steps=st.lists(_STEP, max_size=12), outcomes=_OUTCOMES)
def test_any_history(seed: int, steps: list[tuple[str, object, bool]], outcomes: list[str]) -> None:
    world = World.default(ManualClock(), variants=draw(seed))
    world.merge({"outcomes": [{"result": result} for result in outcomes]})
    for kind, value, forward in steps:
        take(world, kind, value, forward)
        # Never two at once on an instance.
        settle(world)
        under_way = [one for one in world.state.operations if one.under_way]
        assert len({one.source for one in under_way} | {one.target for one in under_way}) == 2 * len(under_way)
    copy = World(world.to_document(), world.clock)
    assert copy.to_document() == world.to_document()
    world.clock.advance(10_000)
    settle(world)
    # Never busy for ever, and nothing half done.
    for instance in world.state.instances.values():
        assert busy_with(world, instance.id) is None
        assert {one.status for one in instance.databases.values()} <= {"Running"}
    for operation in world.state.operations:
        there = world.state.instances[operation.target].databases
        brought = {name for name, one in there.items() if one.operation == operation.id}
        assert brought <= set(operation.databases.values())
        assert operation.state == "succeeded" or not brought
