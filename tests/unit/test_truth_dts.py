# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Rehearsals of DTS jobs, and of the role they need, come true, in any world."""

from __future__ import annotations

import json

from ansible_collections.apsaradb.migration.plugins.module_utils._alibaba.ram import dts_trust, trust_document
from ansible_collections.apsaradb.migration.tests.unit import truth_drawing as st
from ansible_collections.apsaradb.migration.tests.unit.dts_stage import (
    ENDPOINTS,
    KEY_ONE,
    MODULE,
    ROLE,
    SOURCE,
    TARGET,
    MigrationStage,
)
from ansible_collections.apsaradb.migration.tests.unit.truth_stage import Scene, TruthStage, run_module
from ansible_collections.apsaradb.migration.tests.unit.truth_worlds import changed, document, one_of, truth, variants
from apsara_emulator.default_world import ACCOUNT_ONE, ACCOUNT_TWO

POLICY, OTHER_POLICY = "System/AliyunDTSRolePolicy", "System/AliyunRDSReadOnlyAccess"
TRUSTS = {
    "right": trust_document(dts_trust(ACCOUNT_TWO)),
    "more": trust_document(dts_trust(ACCOUNT_TWO) | dts_trust("3000000000000003")),
    "others": trust_document(dts_trust("3000000000000003")),
    "strange": '{"Statement": [{"NotPrincipal": {}}]}',
    "broken": "no policy",
}
ROLES = changed(
    {"trust": "right", "policies": [POLICY], "description": ""},
    trust=one_of(*TRUSTS),
    policies=one_of([], [OTHER_POLICY], [POLICY, OTHER_POLICY]),
    description=st.just("for DTS"),
)
ROLE_WORLDS = changed({"variants": {}, "role": None}, most=2, variants=variants(), role=ROLES)
ROLE_WISHES = changed(
    {},
    most=4,
    state=st.just("absent"),
    exclusive=st.just(False),
    description=one_of("for DTS", "another"),
    policies=one_of([], [{"name": "AliyunDTSRolePolicy"}, {"name": "AliyunRDSReadOnlyAccess"}], [{"name": "none"}]),
    destination_account_id=one_of(ACCOUNT_ONE, "x"),
    preflight=st.just("warn"),
    name=st.just("AliyunDTSDefaultRole"),
    settle=one_of(0, 5),
)


class RoleScene(Scene):
    module = "ram_dts_role"

    def __init__(self, world, wish):
        self.world = world
        self._wish = {"name": ROLE, "destination_account_id": ACCOUNT_TWO, **ENDPOINTS, **KEY_ONE, **wish}
        if wish.get("destination_account_id") == ACCOUNT_ONE:
            # A check fails; whoever goes on gets a role whose trust RAM writes in another way.
            self._wish["preflight"] = "enforce"
        if {"name": "none"} in wish.get("policies", []):
            # Whether there is such a policy shows when it is attached.
            self.surprises |= {"EntityNotExist.Policy", "EntityNotExist.Role.Policy"}

    def __repr__(self):
        return f"RoleScene({self.world!r}, {self._wish!r})"

    def stage(self):
        made = document()
        role = self.world["role"]
        if role:
            described = {"policies": role["policies"], "description": role["description"]}
            made["accounts"][ACCOUNT_ONE]["roles"][ROLE] = {"trust_policy": TRUSTS[role["trust"]], **described}
        return TruthStage(made, self.world["variants"])

    def wish(self):
        return self._wish

    def once(self, call):
        return (call.action, call.parameters["RoleName"], call.parameters.get("PolicyName"))

    def end(self, stage):
        found = stage.world.state.accounts[ACCOUNT_ONE].roles.get(ROLE)
        return None if found is None else (json.loads(found.trust_policy), sorted(found.policies), found.description)


class JobStage(TruthStage, MigrationStage):
    """Two accounts, the role between them, and instances that let everybody in."""

    def __init__(self, world):
        made = document(SOURCE, TARGET)
        for instance in made["instances"].values():
            instance["whitelist"] = [{"name": "all", "addresses": world["whitelist"]}]
            instance.update(world["instances"])
        if world["role"]:
            role = {"trust_policy": TRUSTS[world["role"]], "policies": [POLICY]}
            made["accounts"][ACCOUNT_ONE]["roles"][ROLE] = role
        made["instances"][TARGET]["databases"].update({name: {"size": 1} for name in world["there"]})
        TruthStage.__init__(
            self, {**made, "outcomes": world["outcomes"], "dts_findings": world["findings"]}, world["variants"]
        )


STATES = ("running", "configured", "prechecked", "caught_up", "suspended", "stopped", "absent")
OUTCOMES = st.builds(
    lambda result, stage: [{"kind": "dts", "result": result, "stage": stage}],
    one_of("fails", "slow", "stalls", "retries"),
    one_of("precheck", "structure", "full", "incremental"),
)
FINDINGS = st.builds(
    lambda can_skip: [{"item": "CHECK_X", "name": "x", "problem": "there is one", "can_skip": can_skip}], st.booleans()
)
JOB_WORLDS = changed(
    {
        "variants": {},
        "role": "right",
        "whitelist": ["0.0.0.0/0"],
        "instances": {},
        "there": [],
        "outcomes": [],
        "findings": [],
        "earlier": [],
    },
    most=4,
    variants=variants(),
    role=one_of("", "others"),
    whitelist=st.just([]),
    instances=changed({}, 1, status=st.just("Restarting"), storage_gb=st.just(10)),
    there=one_of(["shop"], ["other"]),
    outcomes=OUTCOMES,
    findings=FINDINGS,
    earlier=st.lists(st.sampled_from(STATES), min_size=1, max_size=2),
)
ACCEPTED = ["delay", "job_status", "job_retries", "weak_secret", "job_complete"]
JOB_WISHES = changed(
    {"state": "running", "accept": ACCEPTED},
    most=4,
    state=st.sampled_from(STATES),
    objects=one_of([{"database": "shop", "new_name": "store"}], [{"database": "nowhere"}]),
    migration_types=one_of(["schema", "full"], ["full"], ["incremental"]),
    wait=st.just(False),
    preflight=st.just("warn"),
    confirm=one_of(None, "rm-another"),
    accept=st.just([]),
    precheck=st.just("after_purchase"),
    max_lag=st.just(100000),
)


class JobScene(Scene):
    module = MODULE

    def __init__(self, world, wish):
        self.world, self.drawn = world, wish
        if world["outcomes"]:
            self.surprises |= {"wait_timeout", "migration_failed", "precheck_failed"}
        flaws = (
            world["findings"],
            # A job that was deleted leaves its tables, which only the precheck of the next one sees.
            "absent" in world["earlier"][1:],
            world["role"] != "right",
            not world["whitelist"],
            world["there"],
            world["instances"],
            "objects" in wish,
        )
        if any(flaws):
            # The precheck looks at the other account, and into the databases.
            self.surprises |= {"precheck_failed"}
        if world["variants"].get("start_unpaid", "precheck") != "precheck" and "precheck" not in wish:
            self.surprises |= {"precheck_needs_purchase"}

    def __repr__(self):
        return f"JobScene({self.world!r}, {self.drawn!r})"

    def stage(self):
        stage = JobStage(self.world)
        for state in self.world["earlier"]:
            run_module(stage, EarlierScene(self.world, {"state": state, "accept": ACCEPTED, "preflight": "warn"}))
        stage.time.sleep(60)
        return stage

    def wish(self):
        # How a wish is put together does not depend on the world.
        return MigrationStage.wish(MigrationStage.__new__(MigrationStage), **{"poll_interval": 180, **self.drawn})

    def is_sent_as(self, name, planned, sent):
        return bool(sent) if planned == "told by ConfigureDtsJob" else super().is_sent_as(name, planned, sent)

    def after(self, step, sent):
        """A job that was bought before its precheck may rest after it, until it is started once more."""
        rests = (
            self.world["variants"].get("after_precheck") == "waits" and self.drawn.get("precheck") == "after_purchase"
        )
        started = [call.action for call in sent[:2]] == ["StartDtsJob", "StartDtsJob"]
        return sent[2:] if rests and started else sent[1:]

    def once(self, call):
        return (call.action,) if call.action in ("ConfigureDtsJob", "CreateDtsInstance") else None

    def end(self, stage):
        stage.time.sleep(7200)
        state = stage.settled()
        jobs = [(j.name, j.status, j.paid, j.db_list) for j in state.dts_jobs]
        return jobs, sum(order.kind == "buy" for order in state.dts_orders)


class EarlierScene(JobScene):
    """What somebody did before."""


ROLE_SCENES = st.builds(RoleScene, ROLE_WORLDS, ROLE_WISHES)
JOBS = st.builds(JobScene, JOB_WORLDS, JOB_WISHES)

test_roles, test_roles_in_many_worlds = truth(0.1, ROLE_SCENES)
test_jobs, test_jobs_in_many_worlds = truth(0.15, JOBS)
