# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The policies that the roles come with.

That a role needs all of its policies and nothing else is shown by its stories (tests/integration/targets/*_role), which
run as users that have them. Here is what needs no story: what they hold, what the documentation shows, and that they
can be narrowed down as it says.
"""

from __future__ import annotations

import importlib.util
import json
import pathlib
import re
import sys

import pytest
from ansible_collections.apsaradb.migration.plugins.module_utils._alibaba.missing_permission import permission_of
from ansible_collections.apsaradb.migration.tests.unit.stage import CREDENTIALS, SOURCE, TARGET
from apsara_emulator.default_world import ACCOUNT_ONE
from apsara_emulator.oss.call import ACTIONS as OSS_ACTIONS
from apsara_emulator.permissions.policy import ALLOWED, decision, parse_policy
from apsara_emulator.permissions.table import TABLE
from apsara_emulator.registry import ACTIONS

ROOT = pathlib.Path(__file__).resolve().parents[2]
CODE = ROOT / "plugins" / "module_utils"
POLICIES = {
    f"{path.parts[-4]}/{path.stem}": path.read_text() for path in sorted(ROOT.glob("roles/*/files/permissions/*.json"))
}
READING = [name for name in POLICIES if name.startswith("advise/") or name.endswith("rehearsal")]
USER = {"access_key_id": "LTAI5tApsaraEmulatorUser", "access_key_secret": "emulatorSecretOfTheUser"}


def tool():
    """tests/utils/permissions.py, which is no part of the collection."""
    place = ROOT / "tests" / "utils"
    sys.path.insert(0, str(place))
    try:
        spec = importlib.util.spec_from_file_location("permissions_tool", place / "permissions.py")
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        return module
    finally:
        sys.path.remove(str(place))


def allowed(name):
    """(action, resource) of everything that a policy allows."""
    statements = parse_policy(POLICIES[name])
    assert all(one.allows for one in statements)
    return {(action, resource) for one in statements for action in one.actions for resource in one.resources}


def writes():
    """Actions of RAM that allow a write, and not only the reading that a copy needs as well."""
    # They are known once the service is.
    importlib.import_module("apsara_emulator.oss.service")
    known = {**ACTIONS, **{("oss", name): one for name, one in OSS_ACTIONS.items()}}
    asked = {True: set(), False: set()}
    for key, one in known.items():
        asked[one.mutating] |= {need.action for need in TABLE[key]}
    # What deletes several objects asks for each of them.
    return asked[True] - asked[False] | {"oss:DeleteObject"}


def test_there_is_one_for_each_role_and_purpose(figures):
    per_role = {"advise": "advise source", "dts_cross_account": "", "report": "", "gate": ""}
    sides = [f"{side}_{what}" for side in ("source", "destination") for what in ("rehearsal", "run", "way_back")]
    for role in (path.name for path in (ROOT / "roles").iterdir() if path.is_dir()):
        wanted = per_role.get(role, "rehearsal run").split() if role != "dts_cross_account" else sides
        assert sorted(f"{role}/{name}" for name in wanted) == [one for one in POLICIES if one.startswith(f"{role}/")]
    figures("least privilege", [f"{name}: {len(allowed(name))} permissions" for name in POLICIES])


@pytest.mark.parametrize("name", POLICIES)
def test_nothing_is_allowed_as_a_whole(name):
    known = {need.action for needs in TABLE.values() for need in needs} | {"oss:DeleteObject"}
    for action, resource in allowed(name):
        assert action in known
        assert resource.startswith(f"acs:{'ram' if action.startswith('sts:') else action.partition(':')[0]}:")
    assert len(POLICIES[name]) <= 6144


@pytest.mark.parametrize("name", READING)
def test_a_rehearsal_only_reads(name):
    assert not {action for action, _resource in allowed(name)} & writes()


@pytest.mark.parametrize("name", [name for name in READING if name.endswith("rehearsal")])
def test_who_may_run_may_rehearse(name):
    run = [POLICIES[name.replace("rehearsal", "run")]]
    for action, resource in allowed(name):
        assert decision(run, action, resource.replace("*", "x")) == ALLOWED, action


def test_the_documentation_shows_them():
    permissions = tool()
    shown = permissions.PAGE.read_text()
    assert permissions.page(permissions.stored_policies()) == shown
    assert sorted(re.findall(r"^\.\. policy: (\S+)$", shown, re.MULTILINE)) == sorted(POLICIES)


def test_what_the_code_calls_is_in_a_policy_or_named_for_an_option():
    code = "\n".join(path.read_text() for path in CODE.rglob("*.py"))
    texts = set(re.findall(r'"([A-Z]\w+)"', code))
    read = set(re.findall(r'(?:call|pages|_read|_tags)\(\s*"(\w+)"', code))
    mutating = {name for (_service, name), known in ACTIONS.items() if known.mutating}
    mutating |= {name for name, known in OSS_ACTIONS.items() if known.mutating}
    needed = {
        permission_of(service, name)
        for service, name in TABLE
        if name != "GetCallerIdentity" and (name in read or name in texts & mutating)
    }
    in_policies = {action for name in POLICIES for action, _resource in allowed(name)}
    for_options = set(re.findall(r"^``(\w+:\w+)`` {2,}", tool().PAGE.read_text(), re.MULTILINE))
    assert needed - in_policies - for_options == set()
    assert for_options <= needed - in_policies


def test_narrowed_down_to_two_instances(stage, run):
    ids = [f"acs:rds:*:*:dbinstance/{one}" for one in (SOURCE, TARGET)]
    document = json.loads(POLICIES["instance_import/run"])
    for statement in document["Statement"]:
        assert statement["Resource"] == ["acs:rds:*:*:dbinstance/*"]
        statement["Resource"] = ids
    user = {"access_keys": [USER], "policies": ["Custom/p"]}
    account = {"users": {"me": user}, "policies": {"p": {"document": json.dumps(document)}}}
    stage.world.merge({"accounts": {ACCOUNT_ONE: account}})
    wish = {**CREDENTIALS, **USER, "source_instance_id": SOURCE, "databases": ["sales"]}
    done = run(stage, "rds_import_between_instances", instance_id=TARGET, **wish)
    assert not done["failed"], done["msg"]
    assert done["changed"]
    refused = run(stage, "rds_import_between_instances", instance_id="rm-bp1sqlsmall000001", **wish)
    assert refused["failed"]
    assert refused["error"]["code"] == "Forbidden.RAM"
    assert refused["error"]["remedy"].startswith("Allow rds:")
    assert len(stage.effects()) == 1
