# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whatever is called in whatever order, under whatever variants: some things hold."""

from __future__ import annotations

import contextlib
import json
from typing import Any

from apsara_emulator import ApiError, ManualClock, World, draw
from apsara_emulator.contracts import load_contracts
from apsara_emulator.default_world import ACCOUNT_ONE, ACCOUNT_TWO
from apsara_emulator.operations import settle
from apsara_emulator.registry import ACTIONS
from apsara_emulator.transmission.model import DtsJob
from apsara_emulator.transmission.object_list import OTHER_KINDS, parse_object_list
from apsara_emulator.transmission.reserve import parse_reserve
from hypothesis import given, settings
from hypothesis import strategies as st

from .transmitting import ROLE, DtsBench, trust_policy, whole

STATUSES = {
    *("NotConfigured", "NotStarted", "Prechecking", "PrecheckFailed", "PreCheckPass", "Migrating", "Suspending"),
    *("MigrationFailed", "Retrying", "Finished"),
}
STEP = st.one_of(
    st.tuples(st.just("ConfigureDtsJob"), st.sampled_from(["orders", "stock", "nothing"]), st.booleans()),
    st.tuples(st.sampled_from(["CreateDtsInstance", "buy"]), st.sampled_from(["true", "false"]), st.booleans()),
    st.tuples(
        st.sampled_from(["StartDtsJob", "SuspendDtsJob", "StopDtsJob", "DeleteDtsJob", "ResetDtsJob", "skip"]),
        st.just(""),
        st.booleans(),
    ),
    st.tuples(st.just("wait"), st.sampled_from(["1", "15", "60", "600"]), st.booleans()),
    st.tuples(st.sampled_from(["trust", "distrust", "break", "repair"]), st.just(""), st.booleans()),
)
RESULTS = st.lists(
    st.tuples(
        st.sampled_from(["fails", "stalls", "slow", "retries", "stays_behind"]),
        st.sampled_from(["", "precheck", "structure", "full", "incremental"]),
    ),
    max_size=3,
)


def call(world: World, action: str, account: str = ACCOUNT_ONE, service: str = "dts", **parameters: Any) -> None:
    with contextlib.suppress(ApiError):
        world.call(account, action, parameters, service=service)


def take(world: World, kind: str, value: str, newest: bool) -> None:
    """One step; a refusal is fine."""
    jobs = [one.id for one in world.state.dts_jobs] or ["none"]
    job = jobs[-1] if newest else jobs[0]
    if kind == "wait":
        world.clock.advance(float(value))
    elif kind == "ConfigureDtsJob":
        given = DtsBench.parameters(DtsBench(role=False), DbList=whole(value))
        call(world, kind, **given, **({} if newest else {"DtsJobId": job}))
    elif kind == "CreateDtsInstance":
        call(world, kind, JobId=job, PayType="PostPaid", AutoStart=value)
    elif kind == "buy":
        call(
            world,
            "CreateDtsInstance",
            Type="MIGRATION",
            SourceRegion="cn-hangzhou",
            DestinationRegion="cn-hangzhou",
            PayType="PostPaid",
        )
    elif kind == "skip":
        call(world, "SkipPreCheck", DtsJobId=job, Skip="true", SkipPreCheckItems='["CHECK_SAME_OBJ"]')
    elif kind in ("trust", "distrust"):
        policy = trust_policy() if kind == "trust" else trust_policy("3000000000000003")
        call(world, "CreateRole", ACCOUNT_TWO, "ram", RoleName=ROLE, AssumeRolePolicyDocument=policy)
        call(world, "UpdateRole", ACCOUNT_TWO, "ram", RoleName=ROLE, NewAssumeRolePolicyDocument=policy)
        attach = {"RoleName": ROLE, "PolicyType": "System", "PolicyName": "AliyunDTSRolePolicy"}
        call(world, "AttachPolicyToRole", ACCOUNT_TWO, "ram", **attach)
    elif kind in ("break", "repair"):
        status = "Running" if kind == "repair" else "Rebooting"
        world.state.instances["rm-bp1mysql00000001"].status = status
    else:
        call(world, kind, DtsJobId=job)


def look(world: World) -> None:
    """Every reading action answers, for every job."""
    world.dts_lists.clear()
    world.call(ACCOUNT_ONE, "DescribeDtsJobs", {"Region": "cn-hangzhou"}, service="dts")
    for job in world.state.dts_jobs:
        for code in ("01", "02", "03", "04"):
            world.call(ACCOUNT_ONE, "DescribePreCheckStatus", {"DtsJobId": job.id, "JobCode": code}, service="dts")
        for action in ("DescribeDtsJobDetail", "DescribeDtsServiceLog", "DescribeJobMonitorRule"):
            world.call(ACCOUNT_ONE, action, {"DtsJobId": job.id}, service="dts")


def check(world: World, before: dict[str, DtsJob]) -> None:
    orders = [one for one in world.state.dts_orders if one.kind == "buy"]
    bought = [one for one in world.calls.select(mutating=True) if one.action == "CreateDtsInstance"]
    # An order for each purchase that took effect, and none without one.
    assert len(orders) == sum(one.took_effect for one in bought)
    assert len({one.instance_id for one in orders}) == len(orders)
    for job in world.state.dts_jobs:
        assert job.status in STATUSES
        assert job.paid == any(one.job_id == job.id for one in orders)
        assert job.paid or job.status not in ("Migrating", "Suspending", "Retrying", "MigrationFailed")
        # What has ended stays so.
        if job.id in before and before[job.id] == "Finished":
            assert job.status == "Finished"
        running = [name for name, one in job.phases.items() if one.status == "Migrating"]
        assert len(running) <= 1


@settings(max_examples=120, deadline=None)
@given(seed=st.integers(0, 10**6), steps=st.lists(STEP, max_size=14), results=RESULTS)
def test_any_history(seed: int, steps: list[tuple[str, str, bool]], results: list[tuple[str, str]]) -> None:
    world = World.default(ManualClock(), variants=draw(seed))
    outcomes = [{"result": result, "stage": stage, "kind": "dts", "after": 5} for result, stage in results]
    world.merge({"outcomes": outcomes})
    for step in steps:
        before: Any = {one.id: one.status for one in world.state.dts_jobs}
        take(world, *step)
        settle(world)
        look(world)
        check(world, before)
    copy = World(world.to_document(), world.clock)
    assert copy.to_document() == world.to_document()
    settle(copy)
    assert [one.status for one in copy.state.dts_jobs] == [one.status for one in world.state.dts_jobs]


NAMES = st.text(st.characters(codec="utf-8", categories=("L", "N", "P", "S", "Zs")), min_size=1, max_size=12)
OBJECT = st.fixed_dictionaries({"name": NAMES, "all": st.just(True)})
TABLE = st.fixed_dictionaries(
    {"name": NAMES, "all": st.booleans()},
    optional={
        "filter": NAMES,
        "srcSchema": NAMES,
        "destSchema": NAMES,
        "dml_op": NAMES,
        "shard": st.integers(0, 64),
        "column": st.dictionaries(NAMES, st.fixed_dictionaries({"name": NAMES}), max_size=3),
    },
)
ENTRY = st.one_of(
    st.fixed_dictionaries({"name": NAMES, "all": st.just(True)}, optional={"ddl_op": NAMES}),
    st.fixed_dictionaries(
        {"name": NAMES, "all": st.just(False), "Table": st.dictionaries(NAMES, TABLE, min_size=1, max_size=4)},
        optional={kind: st.dictionaries(NAMES, OBJECT, max_size=2) for kind in sorted(OTHER_KINDS)[:3]},
    ),
)


@settings(max_examples=200, deadline=None)
@given(st.dictionaries(NAMES, ENTRY, min_size=1, max_size=4))
def test_every_list_of_the_documented_format_is_understood(document: dict[str, Any]) -> None:
    entries = parse_object_list(json.dumps(document))
    assert {one.name: one.new_name for one in entries} == {name: one["name"] for name, one in document.items()}
    for entry in entries:
        tables = document[entry.name].get("Table", {})
        assert {one.name: one.new_name for one in entry.tables} == {name: one["name"] for name, one in tables.items()}
        for table in entry.tables:
            assert table.condition == tables[table.name].get("filter", "")
            assert set(table.columns) == set(tables[table.name].get("column", {}))


@settings(max_examples=100, deadline=None)
@given(st.integers(0, 100_000), st.integers(0, 100_000))
def test_retry_times(connection: int, other: int) -> None:
    text = json.dumps({"targetTableMode": "2", "maxRetryTime": str(connection), "retry.blind.seconds": str(other)})
    right = 600 <= connection <= 86400 and 60 <= other <= 86400 and other < connection
    try:
        parse_reserve(text)
    except ValueError:
        assert not right
    else:
        assert right


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 10**6), text=st.text(max_size=20))
def test_nothing_that_is_sent_breaks_an_action(seed: int, text: str) -> None:
    """An answer or a refusal, whatever stands in the parameters."""
    world = World.default(ManualClock(), variants=draw(seed))
    for (service, name), _known in ACTIONS.items():
        if service in ("dts", "ram", "sts"):
            given = {one: text for one, kind in load_contracts()[service][name].parameters.items() if kind.required}
            optional = {one: text for one, kind in load_contracts()[service][name].parameters.items()}
            for parameters in (given, optional, dict.fromkeys(optional, "1"), dict.fromkeys(optional, "true")):
                call(world, name, service=service, **parameters)
    assert world.state.dts_orders == []
