# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The examples: each is run on the emulator as it stands, with the secrets and files that its reader has."""

from __future__ import annotations

import json
import re
import shutil

import pytest
import yaml
from ansible_collections.apsaradb.migration.tests.docs.pages import GUIDES, ROOT
from ansible_collections.apsaradb.migration.tests.docs.test_guides import make_postgresql_cloud, make_sqlserver_backup

EXAMPLES = ROOT / "docs" / "examples"
FILES = sorted(str(path.relative_to(EXAMPLES)) for path in EXAMPLES.rglob("*") if path.is_file())
OPTIONS = {
    role.name: yaml.safe_load((role / "meta" / "argument_specs.yml").read_text())["argument_specs"]["main"]["options"]
    for role in (ROOT / "roles").iterdir()
}
NO_KEYS = "unset ALIBABA_CLOUD_ACCESS_KEY_ID ALIBABA_CLOUD_ACCESS_KEY_SECRET"
# The vendor's library asks one address only for a role's credentials. Here that is the emulator's.
STS_IS_HERE = """
import os, requests
send, here = requests.Session.send, os.environ["APSARADB_STS_ENDPOINT"]
def sent(self, request, **options):
    request.url = request.url.replace("https://sts.aliyuncs.com", here)
    return send(self, request, **options)
requests.Session.send = sent
"""


@pytest.fixture
def examples(reader):
    """A reader who has a copy of the examples."""
    shutil.copytree(EXAMPLES, reader.folder, dirs_exist_ok=True)
    return reader


def recaps(printed: str) -> list[tuple[str, str]]:
    """Hosts and what failed of them, of each run."""
    return re.findall(r"^(\S+) +: ok=.* failed=(\d+)", printed, re.MULTILINE)


def fill_in_the_vault(reader, **secrets: str) -> str:
    """The commands that the example of a vault shows, with its values filled in."""
    path = reader.folder / "vault" / "vault.example.yml"
    names = list(yaml.safe_load(path.read_text()))
    assert set(secrets) <= set(names)
    lines = [f"{name}: {secrets.get(name, 'unused-in-this-example')}" for name in names]
    commands = re.findall(r"^#   ((?:cp|ansible-vault) .*)$", path.read_text(), re.MULTILINE)
    assert len(commands) == 2
    path.write_text("\n".join(lines))
    reader.has("password", "opens-the-vault")
    folder = "export ANSIBLE_VAULT_PASSWORD_FILE=$PWD/password; cd vault"
    return "\n".join([folder, *commands, "grep -q '^.ANSIBLE_VAULT' vault.yml", "rm vault.example.yml", "cd .."])


def keys_of_both_accounts(emulator) -> dict[str, str]:
    sides = zip(("source", "destination"), emulator.keys, strict=True)
    return {f"vault_{side}_key_{word}": key[f"access_key_{word}"] for side, key in sides for word in ("id", "secret")}


def test_every_example_is_told_and_every_one_that_is_told_exists():
    named = re.findall(r"\]\(([^)]+)\)", (EXAMPLES / "README.md").read_text())
    assert all((EXAMPLES / name).exists() for name in named)
    of_examples = {name.rstrip("/") for name in named if not name.startswith("..")}
    for file in FILES:
        assert file == "README.md" or file in of_examples or file.split("/")[0] in {"assume_role"}, file


def test_the_page_of_the_examples_leads_to_each_of_them():
    page = (GUIDES / "examples.rst").read_text()
    named = set(re.findall(r"/blob/main/docs/examples/(\S+)>`_", page))
    assert named <= set(FILES)
    # What belongs to another file is named beside it.
    assert {name for name in FILES if name not in named} == {
        "README.md",
        "assume_role/config.json",
        "assume_role/config.json.license",
        "ci/world.yml",
    }


@pytest.mark.parametrize("file", [name for name in FILES if "inventor" in name and name.endswith(".yml")])
def test_variables_of_inventories_are_options_of_the_role(file):
    text = (EXAMPLES / file).read_text()
    role = next(name for name in OPTIONS if f"ansible-playbook apsaradb.migration.{name} " in text)
    named = set(re.findall(rf"^ *({role}_\w+):", text, re.MULTILINE))
    assert named
    assert named <= set(OPTIONS[role])


def test_copies_are_rehearsed_with_everything_from_the_environment(examples, emulator):
    key = emulator.keys[0]
    for name, value in key.items():
        examples.has(f"secrets/{name}", value)
    there = emulator.control("world")["instances"]["rm-bp1sqltarget00001"]
    emulator.control("world", {"instances": {"rm-bp1sqlreport00001": {**there, "id": "rm-bp1sqlreport00001"}}})
    printed = examples.runs(
        f"{NO_KEYS}\n"
        "export SECRETS=$PWD/secrets ALIBABA_CLOUD_SECURITY_TOKEN=left-from-yesterday\n"
        ". environment/environment.sh\n"
        "cd inventories\n"
        "ansible-playbook apsaradb.migration.instance_import -i instance_import.yml --check --diff"
    )
    assert recaps(printed) == [("rm-bp1sqltarget00001", "0"), ("warehouse", "0")]
    assert emulator.effects() == []
    assert (examples.folder / "inventories" / "reports" / "report.html").exists()
    assert key["access_key_secret"] not in printed


@pytest.mark.soak
def test_backups_are_assessed(examples, emulator):
    make_sqlserver_backup(examples)
    printed = examples.runs(
        "ansible-playbook apsaradb.migration.sqlserver_backup -i inventories/sqlserver_backup.yml --check --diff"
        " --tags assess -e sqlserver_backup_path=$PWD/backups"
    )
    assert recaps(printed) == [("rm-bp1sqltarget00001", "0")]
    assert emulator.effects() == []


@pytest.mark.soak
def test_a_postgresql_is_rehearsed_with_passwords_from_a_vault(examples, emulator):
    make_postgresql_cloud(examples)
    known = json.loads((examples.folder / "host_vars" / "pgm-bp1target0000001.yml").read_text())
    vault = fill_in_the_vault(
        examples, vault_migrator_password=known["vault_migrator"], vault_postgres_password=known["vault_postgres"]
    )
    source = known["postgresql_cloud_source"]
    address = {
        "postgresql_cloud_source": {**source, "password": "{{ vault_migrator_password }}"},
        "postgresql_cloud_target_cidr": "127.0.0.1/32",
        "postgresql_cloud_poll_interval": 0.5,
    }
    examples.has("here.json", json.dumps(address))
    printed = examples.runs(
        f"{vault}\nrm -r host_vars\n"
        "ansible-playbook apsaradb.migration.postgresql_cloud -i inventories/postgresql_cloud.yml --check --diff"
        " -e @vault/vault.yml -e @here.json"
    )
    assert recaps(printed) == [("pgm-bp1target0000001", "0")]
    assert emulator.effects() == []
    assert known["vault_migrator"] not in printed


def test_a_playbook_with_keys_of_two_accounts_from_a_vault(examples, emulator):
    secrets = keys_of_both_accounts(emulator)
    printed = examples.runs(
        f"{NO_KEYS}\n{fill_in_the_vault(examples, **secrets)}\n"
        "ansible-playbook cross_account/compare_instances.yml -e @vault/vault.yml"
    )
    assert recaps(printed) == [("localhost", "0")]
    asked = {(call["account_id"], call["action"]) for call in emulator.control("calls")}
    read = "DescribeDBInstanceAttribute"
    assert {("1000000000000001", read), ("2000000000000002", read)} <= asked
    assert not [secret for name, secret in secrets.items() if "_id" not in name and secret in printed]


@pytest.mark.soak
def test_a_job_between_two_accounts_is_assessed_with_keys_from_a_vault(examples, emulator):
    passwords = {"vault_source_password": "5ource-of-the-example", "vault_destination_password": "De5t-of-the-example"}
    secrets = {**keys_of_both_accounts(emulator), **passwords}
    emulator.control("world", {"instances": {"rm-bp1mysql00000001": {"databases": {"shop": {"size": 1000000}}}}})
    printed = examples.runs(
        f"{NO_KEYS}\n{fill_in_the_vault(examples, **secrets)}\n"
        "ansible-playbook apsaradb.migration.dts_cross_account -i inventories/dts_cross_account.yml --check --diff"
        " --tags assess -e @vault/vault.yml"
    )
    assert recaps(printed) == [("rm-bp1othermysql0001", "0")]
    assert emulator.effects() == []
    assert not [secret for name, secret in secrets.items() if "_id" not in name and secret in printed]


def test_a_profile_assumes_a_role(examples, emulator):
    policy = {"Statement": [{"Action": "sts:AssumeRole", "Effect": "Allow", "Resource": "*"}], "Version": "1"}
    trust = {"Action": "sts:AssumeRole", "Effect": "Allow", "Principal": {"RAM": ["acs:ram::1000000000000001:root"]}}
    document = json.dumps({"Statement": [trust], "Version": "1"})
    role = {"trust_policy": document, "policies": ["System/AliyunRDSFullAccess"]}
    weak = {"access_key_id": "LTAI5tMayOnlyAssume01", "access_key_secret": "secretOfWhoMayOnlyAssume"}
    user = {"access_keys": [weak], "policies": ["Custom/assume"]}
    account = {
        "users": {"pipeline": user},
        "roles": {"database-migration": role},
        "policies": {"assume": {"document": json.dumps(policy)}},
    }
    emulator.control("world", {"accounts": {"1000000000000001": account}})
    config = json.loads((examples.folder / "assume_role" / "config.json").read_text())
    config["profiles"][0].update(weak)
    examples.has(".aliyun/config.json", json.dumps(config))
    examples.has("here/sitecustomize.py", STS_IS_HERE)
    printed = examples.runs(
        f"{NO_KEYS}\n"
        "export PYTHONPATH=$PWD/here\n"
        "ansible-playbook apsaradb.migration.instance_import -i assume_role/inventory.yml --check --diff"
        " --tags assess"
    )
    assert recaps(printed) == [("rm-bp1sqltarget00001", "0")]
    calls = emulator.control("calls")
    assert "AssumeRole" in {call["action"] for call in calls}
    keys = {call["access_key_id"] for call in calls if call["action"].startswith("Describe")}
    assert keys
    assert all(key.startswith("STS.") for key in keys)


def test_the_pull_request_is_rehearsed_by_the_steps_of_the_workflow(examples, emulator):
    workflow = yaml.safe_load((examples.folder / "ci" / "rehearse-on-pull-request.yml").read_text())
    steps = workflow["jobs"]["rehearse"]["steps"]
    # What installs needs a network; README's commands are tried by another test.
    scripts = [step["run"] for step in steps if "run" in step and step["name"] != "Install"]
    assert len(scripts) == 1
    printed = examples.runs("\n".join(scripts))
    assert recaps(printed) == [("rm-bp1sqltarget00001", "0"), ("warehouse", "0")]
    artifact = next(step["with"]["path"] for step in steps if step.get("uses", "").startswith("actions/upload"))
    assert (examples.folder / artifact).exists()
    assert emulator.control("calls") == [], "it asks its own emulator"


def test_a_pull_request_whose_rehearsal_fails_does_not_pass(examples):
    examples.has("bin/ansible-playbook", "#!/bin/sh\nexit 3\n")
    (examples.folder / "bin" / "ansible-playbook").chmod(0o755)
    printed = examples.runs(
        "PATH=$PWD/bin:$PATH sh ci/rehearse.sh ci/world.yml x.yml || echo ended with $?\n"
        "sh ci/rehearse.sh no-world.yml x.yml || echo ended with $?"
    )
    assert re.findall("ended with ([0-9]+)", printed) == ["3", "1"]
    assert "no-world.yml" in printed, "the emulator says why it does not start"
