# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which status follows which, and what is refused in between."""

from __future__ import annotations

from typing import Any

import pytest
from apsara_emulator import VARIANTS
from apsara_emulator.default_world import MYSQL_TWO

from .transmitting import MYSQL_ONE, DtsBench

ACTIONS = ("StartDtsJob", "SuspendDtsJob", "StopDtsJob")
WRONG = "InvalidJobStatus 200"
# Which actions each status takes.
TABLE = {
    "NotStarted": {"StartDtsJob", "StopDtsJob"},
    "Prechecking": {"StopDtsJob"},
    "PrecheckFailed": {"StartDtsJob", "StopDtsJob"},
    "PreCheckPass": {"StartDtsJob", "StopDtsJob"},
    "Migrating": {"SuspendDtsJob", "StopDtsJob"},
    "Retrying": {"SuspendDtsJob", "StopDtsJob"},
    "Suspending": {"StartDtsJob", "StopDtsJob"},
    "MigrationFailed": {"StartDtsJob", "StopDtsJob"},
    "Finished": set(),
}


def in_status(status: str) -> tuple[DtsBench, str]:
    """A world with a job of this status."""
    change: dict[str, Any] = {}
    if status in ("MigrationFailed", "Retrying"):
        result = {"MigrationFailed": "fails", "Retrying": "retries"}[status]
        change = {"outcomes": [{"result": result, "kind": "dts", "stage": "full", "after": 1000, "failure": "broken"}]}
    if status == "PrecheckFailed":
        change = {"instances": {MYSQL_ONE: {"storage_gb": 1}}}
    bench = DtsBench(change, after_precheck="waits" if status == "PreCheckPass" else "goes_on")
    job = bench.configure()
    bench.buy(job)
    if status != "NotStarted":
        bench.start_job(job)
    if status != "Prechecking":
        bench.clock.advance(35)
    if status == "Suspending":
        bench.dts("SuspendDtsJob", DtsJobId=job)
    elif status == "Finished":
        bench.dts("StopDtsJob", DtsJobId=job)
    elif status == "MigrationFailed":
        bench.clock.advance(1000)
    assert bench.status_of(job) == status
    return bench, job


@pytest.mark.parametrize("status", TABLE)
@pytest.mark.parametrize("action", ACTIONS)
def test_the_table(status: str, action: str) -> None:
    bench, job = in_status(status)
    if action in TABLE[status]:
        bench.dts(action, DtsJobId=job)
        assert bench.world.calls.select()[-1].took_effect
        assert (
            bench.status_of(job)
            in {
                "StartDtsJob": ("Prechecking", "Migrating"),
                "SuspendDtsJob": ("Suspending",),
                "StopDtsJob": ("Finished",),
            }[action]
        )
    else:
        assert bench.dts_refused(action, DtsJobId=job) == WRONG
        assert bench.status_of(job) == status


@pytest.mark.parametrize("value", VARIANTS["wrong_job_status"].values)
def test_the_refusal_is_a_variant(value: str) -> None:
    bench = DtsBench(wrong_job_status=value)
    assert bench.dts_refused("SuspendDtsJob", DtsJobId=bench.configure()) == value


@pytest.mark.parametrize("status", TABLE)
@pytest.mark.parametrize("value", VARIANTS["delete_running"].values)
def test_deletion(status: str, value: str) -> None:
    bench, job = in_status(status)
    bench.world.merge({"variants": {"delete_running": value}})
    if value != "accepted" and status in ("Migrating", "Prechecking", "Retrying"):
        assert bench.dts_refused("DeleteDtsJob", DtsJobId=job) == value
    else:
        bench.dts("DeleteDtsJob", DtsJobId=job)
        assert bench.dts_refused("DescribeDtsJobDetail", DtsJobId=job) == "InvalidJobId 403"
        assert bench.world.state.dts_orders[0].released is not None


def test_unpaid_jobs_are_checked_only() -> None:
    bench = DtsBench()
    job = bench.configure()
    bench.start_job(job)
    assert bench.run(job) == "PreCheckPass"
    bench.start_job(job)
    assert bench.run(job) == "PreCheckPass"
    assert MYSQL_ONE not in [one.instance_id for one in bench.world.state.dts_orders]
    bench.buy(job, AutoStart="true")
    assert bench.status_of(job) == "Migrating"
    for value in VARIANTS["start_unpaid"].values[1:]:
        strict = DtsBench(start_unpaid=value)
        assert strict.dts_refused("StartDtsJob", DtsJobId=strict.configure()) == value


def test_a_pause_keeps_what_was_done() -> None:
    bench = DtsBench()
    job = bench.running()
    bench.clock.advance(20 + 10 + 16)  # half of the full phase: 20 seconds and 2 for each of 6 GiB
    assert bench.row(job)["DataInitializationStatus"]["Percent"] == "50"
    bench.dts("SuspendDtsJob", DtsJobId=job)
    bench.clock.advance(10_000)
    row = bench.row(job)
    assert (row["Status"], row["DataInitializationStatus"]["Status"]) == ("Suspending", "Suspending")
    assert row["DataInitializationStatus"]["Percent"] == "50"
    bench.start_job(job)
    bench.clock.advance(15)
    assert bench.row(job)["DataInitializationStatus"]["Status"] == "Migrating"
    bench.clock.advance(1)
    assert bench.row(job)["DataInitializationStatus"]["Status"] == "Finished"


@pytest.mark.parametrize("stage", ["structure", "full", "incremental"])
def test_failures_and_another_try(stage: str) -> None:
    bench = DtsBench(
        {"outcomes": [{"result": "fails", "kind": "dts", "stage": stage, "after": 3, "failure": "broken"}]}
    )
    job = bench.running()
    assert bench.run(job, 300) == "MigrationFailed"
    row = bench.row(job)
    assert (row["ErrorMessage"], row["MigrationErrMsg"]) == ("broken", "broken")
    block = {"structure": "Structure", "full": "Data"}.get(stage, "Data")
    name = "DataSynchronizationStatus" if stage == "incremental" else f"{block}InitializationStatus"
    assert (row[name]["Status"], row[name]["ErrorMessage"]) == ("Failed", "broken")
    bench.start_job(job)
    assert bench.run(job, 300) == "Migrating"
    assert bench.row(job)["DataSynchronizationStatus"]["Status"] == "Catched"


def test_other_outcomes() -> None:
    def world_with(**outcome: Any) -> tuple[DtsBench, str]:
        bench = DtsBench({"outcomes": [{"kind": "dts", **outcome}]})
        job = bench.running()
        bench.clock.advance(3600)
        return bench, job

    bench, job = world_with(result="stalls", stage="full")
    assert bench.row(job)["DataInitializationStatus"]["Status"] == "Migrating"
    bench, job = world_with(result="stays_behind")
    row = bench.row(job)
    assert (row["DataSynchronizationStatus"]["Status"], row["Delay"]) == ("Migrating", 300_000)
    bench, job = world_with(result="slow", stage="structure", factor=1000.0)
    assert bench.row(job)["StructureInitializationStatus"]["Percent"] == "35"
    bench, job = world_with(result="stalls", stage="precheck")
    assert bench.row(job)["Status"] == "Prechecking"
    bench, job = world_with(result="fails", stage="precheck", failure="broken")
    assert bench.problems(job) == {"CHECK_OTHER": "broken"}
    bench, job = world_with(result="fails", stage="full", target="rm-other")
    assert bench.row(job)["DataSynchronizationStatus"]["Status"] == "Catched"
    bench = DtsBench({"outcomes": [{"kind": "dts", "result": "retries", "stage": "full", "after": 100}]})
    job = bench.running()
    bench.clock.advance(60)
    row = bench.row(job)
    assert (row["Status"], row["RetryState"]["Retrying"]) == ("Retrying", True)
    assert bench.run(job, 200) == "Migrating"


def test_an_instance_that_goes_down_on_the_way() -> None:
    bench = DtsBench()
    job = bench.running()
    bench.clock.advance(31)
    bench.world.merge({"instances": {MYSQL_TWO: {"status": "Rebooting"}}})
    assert bench.run(job, 300) == "MigrationFailed"
    assert MYSQL_TWO in bench.row(job)["ErrorMessage"]


@pytest.mark.parametrize("value", VARIANTS["early_delay"].values)
def test_the_delay_of_a_job_that_does_not_follow_yet(value: str) -> None:
    bench = DtsBench(early_delay=value, caught_up_delay="350")
    job = bench.running()
    assert bench.row(job).get("Delay") == (None if value == "missing" else int(value))
    bench.clock.advance(20 + 10 + 32 + 15)
    # Half-way through catching up with what was written during the full phase.
    assert bench.row(job)["Delay"] == 16_000
    bench.clock.advance(60)
    assert bench.row(job)["Delay"] == 350


def test_synchronisation_has_other_words() -> None:
    bench = DtsBench()
    job = bench.configure(JobType="SYNC")
    bench.buy(job)
    bench.start_job(job)

    def row() -> dict[str, Any]:
        found = bench.dts("DescribeDtsJobs", JobType="SYNC", DtsJobId=job)["DtsJobList"]
        return dict(found[0])

    bench.clock.advance(25)
    assert (row()["Status"], row()["JobType"]) == ("Initializing", "sync")
    assert bench.dts("DescribeDtsJobs", DtsJobId=job)["DtsJobList"] == []
    bench.clock.advance(300)
    assert row()["Status"] == "Synchronizing"
    assert bench.dts("DescribeDtsJobDetail", DtsJobId=job)["Status"] == "synchronizing"
    bench.dts("SuspendDtsJob", DtsJobId=job)
    bench.clock.advance(60)
    assert row()["Delay"] == 60
    bench.dts("ResetDtsJob", DtsJobId=job)
    assert row()["Status"] == "NotStarted"
    migration = bench.configure()
    assert bench.dts_refused("ResetDtsJob", DtsJobId=migration) == "InvalidParameter 400"


def test_many_at_once() -> None:
    bench = DtsBench()
    jobs = [bench.running(DbList=f'{{"{name}": {{"name": "{name}", "all": true}}}}') for name in ("orders", "stock")]
    ids = ",".join(jobs)
    bench.clock.advance(300)
    bench.dts("SuspendDtsJobs", DtsJobIds=ids)
    assert {bench.status_of(one) for one in jobs} == {"Suspending"}
    bench.dts("StartDtsJobs", DtsJobIds=ids)
    assert bench.dts_refused("StartDtsJobs", DtsJobIds=ids) == WRONG
    bench.dts("StopDtsJobs", DtsJobIds=ids)
    assert bench.dts_refused("DeleteDtsJobs", DtsJobIds=f"{ids},nothing") == "InvalidJobId 403"
    assert bench.dts_refused("DeleteDtsJobs", DtsJobIds=",".join(["x"] * 11)) == "InvalidParameter 400"
    bench.dts("DeleteDtsJobs", DtsJobIds=ids)
    assert bench.world.state.dts_jobs == []
