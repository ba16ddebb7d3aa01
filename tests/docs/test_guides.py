# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The guides: somebody follows them with the files that they show, on the emulator.

Beside the files of a page a reader has secrets, servers and backups; what is only quicker here is in host_vars.
"""

from __future__ import annotations

import importlib.util
import json
import re
import socket

import pytest
from ansible_collections.apsaradb.migration.tests.docs.pages import GUIDES, ROOT, Page

TARGETS = {
    "guide_instance_import": "rm-bp1sqltarget00001",
    "guide_sqlserver_backup": "rm-bp1sqltarget00001",
    "guide_postgresql_cloud": "pgm-bp1target0000001",
    "guide_dts_cross_account": "rm-bp1othermysql0001",
}
SOURCE = "rm-bp1mysql00000001"
PASSWORDS = {"vault_source": "5ource-of-the-guide", "vault_destination": "De5tination-of-the-guide"}
# The writes that a whole guide leads to, in their order.
EFFECTS = {
    "guide_instance_import": ["CopyDatabaseBetweenInstances"],
    "guide_sqlserver_backup": ["CreateMigrateTask"] * 4 + ["CreateOnlineDatabaseTask"],
    "guide_postgresql_cloud": [
        "CreateCloudMigrationPrecheckTask",
        "CreateCloudMigrationTask",
        "ActivateMigrationTargetInstance",
    ],
    "guide_dts_cross_account": [
        *("CreateRole", "AttachPolicyToRole", "ConfigureDtsJob", "StartDtsJob", "CreateDtsInstance", "StopDtsJob"),
        *("DeleteDtsJob", "DetachPolicyFromRole", "DeleteRole"),
    ],
}
# Of OSS, whose writes are as many as there are files and parts.
OF_FILES = re.compile(r"Bucket|Object|Multipart|Part$")


def make_instance_import(reader):
    reader.knows(TARGETS["guide_instance_import"], instance_import_poll_interval=0.2)


def make_sqlserver_backup(reader):
    """A full backup, a differential one and two logs of a database, as SQL Server would have left them."""
    path = ROOT / "demo" / "sqlserver_backup" / "make_backups.py"
    spec = importlib.util.spec_from_file_location("make_backups", path)
    assert spec is not None
    assert spec.loader is not None
    backups = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(backups)
    (reader.folder / "backups").mkdir()
    backups.write_chain(reader.folder / "backups")
    reader.knows(TARGETS["guide_sqlserver_backup"], sqlserver_backup_poll_interval=0.2)


def make_postgresql_cloud(reader):
    """A server to be migrated, at the address where it is."""
    binaries = pytest.importorskip("apsara_emulator.postgresql.binaries")
    if binaries.preferred_major() is None:
        pytest.skip(binaries.MISSING)
    statements = {"shop": "create table orders (id int primary key); insert into orders values (1), (2)"}
    made = reader.emulator.control(
        "postgresql/source",
        {"name": "guide", "settings": {"listen_addresses": "*"}, "databases": ["shop"], "statements": statements},
    )
    login = {"host": made["host"], "port": made["port"], "account": "migrator", "category": "ecsOnVpc"}
    reader.knows(
        TARGETS["guide_postgresql_cloud"],
        vault_migrator="m1grator-of-the-guide",
        vault_postgres=made["password"],
        postgresql_cloud_source={**login, "password": "{{ vault_migrator }}"},
        postgresql_cloud_target_cidr="127.0.0.1/32",
        postgresql_cloud_wal_proof="transactions",
        postgresql_cloud_quiet_interval=0.3,
        postgresql_cloud_poll_interval=0.5,
    )


def make_dts_cross_account(reader):
    """Two instances of two accounts, with servers behind them, and a profile for each account."""
    binaries = pytest.importorskip("apsara_emulator.mysql.binaries")
    if binaries.missing():
        pytest.skip(binaries.missing())
    sides = {"vault_source": SOURCE, "vault_destination": TARGETS["guide_dts_cross_account"]}
    for secret, instance in sides.items():
        account = {
            "name": "migrator",
            "type": "Super",
            "password": PASSWORDS[secret],
            "privileges": {"shop": "DBOwner"},
        }
        there = dict.fromkeys(reader.emulator.control("world")["instances"][instance]["databases"])
        databases = {**there, "shop": {}} if instance == SOURCE else there
        change = {"accounts": [account], "databases": databases}
        reader.emulator.control("world", {"instances": {instance: change}})
        reader.emulator.control("mysql/server", {"instance": instance, "do": "start"})
    statements = "create table orders (id int primary key); insert into orders values (1), (2)"
    filling = {"instance": SOURCE, "do": "script", "database": "shop", "statements": statements}
    reader.emulator.control("mysql/server", filling)
    keys = dict(zip(("old-account", "new-account"), reader.emulator.keys, strict=True))
    profiles = [{"name": name, "mode": "AK", **key} for name, key in keys.items()]
    reader.has(".aliyun/config.json", json.dumps({"current": "new-account", "profiles": profiles}))
    reader.knows(
        TARGETS["guide_dts_cross_account"],
        **PASSWORDS,
        dts_cross_account_quiet_seconds=1,
        dts_cross_account_poll_interval=0.5,
    )


MAKE = {name: globals()[name.replace("guide_", "make_")] for name in TARGETS}
# The account that owns the target of this guide is not the one of the emulator's first key.
OWN_KEYS = "unset ALIBABA_CLOUD_ACCESS_KEY_ID ALIBABA_CLOUD_ACCESS_KEY_SECRET"


def follow(reader, name: str, most: int | None = None) -> str:
    MAKE[name](reader)
    return reader.types(Page(GUIDES / f"{name}.rst"), OWN_KEYS if "dts" in name else "", most)


@pytest.mark.parametrize("name", ["guide_instance_import", "guide_sqlserver_backup"])
def test_a_guide_begins_without_writing_anything(reader, emulator, name):
    follow(reader, name, most=1)
    assert emulator.effects() == []


@pytest.mark.soak
@pytest.mark.parametrize("name", TARGETS)
def test_a_guide_leads_to_its_end(reader, emulator, name):
    printed = follow(reader, name)
    effects = [action for action in emulator.effects() if not OF_FILES.search(action)]
    assert effects == EFFECTS[name], printed[-3000:]
    if name == "guide_sqlserver_backup":
        assert "DeleteBucket" in emulator.effects()
    if name in ("guide_postgresql_cloud", "guide_dts_cross_account"):
        assert "Verdict equal." in printed


@pytest.mark.soak
def test_the_pipeline_rehearses_on_an_emulator_of_its_own(reader, emulator):
    """Its three ports are other ones here: those of the page may be in use."""
    page = Page(GUIDES / "ci.rst")
    script, sockets = page.text, [socket.create_server(("127.0.0.1", 0)) for _port in range(3)]
    for written, free in zip(("18700", "18701", "18702"), sockets, strict=True):
        script = script.replace(written, str(free.getsockname()[1]))
        free.close()
    there = reader.folder / "page" / "ci.rst"
    reader.has("page/ci.rst", script)
    printed = reader.types(Page(there), "trap 'kill $(jobs -p)' EXIT")
    assert "sales" in printed
    assert emulator.effects() == [], "it asks its own emulator"
