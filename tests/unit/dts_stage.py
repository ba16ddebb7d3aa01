# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A stage of two accounts: one owns the source of a migration, the other the destination, for which DTS works."""

from __future__ import annotations

from ansible_collections.apsaradb.migration.plugins.module_utils._alibaba.ram import dts_trust, trust_document
from ansible_collections.apsaradb.migration.tests.unit.stage import ENDPOINT, Stage
from apsara_emulator import Variants
from apsara_emulator.default_world import ACCESS_KEY_ONE, ACCESS_KEY_TWO, ACCOUNT_ONE, ACCOUNT_TWO, MYSQL_TWO

ROLE = "ram-for-dts"
ENDPOINTS = {"ram_endpoint": ENDPOINT, "sts_endpoint": ENDPOINT, "dts_endpoint": ENDPOINT, "rds_endpoint": ENDPOINT}
KEY_ONE = {"access_key_id": ACCESS_KEY_ONE[0], "access_key_secret": ACCESS_KEY_ONE[1]}
KEY_TWO = {"access_key_id": ACCESS_KEY_TWO[0], "access_key_secret": ACCESS_KEY_TWO[1]}
MODULE = "dts_migration"
SOURCE, TARGET = "rm-bp1mysql00000001", MYSQL_TWO
NAME = "orders-to-the-new-account"
# Every form of it differs from the others: quoted, percent-encoded, escaped in JSON.
PASSWORD = "pa'ss \\w%rd+of\"the/source"
OTHER_PASSWORD = "another pa%25ss&word=of the target"
KINDS = ["schema", "full", "incremental"]
CONFIGURE, BUY, START = "ConfigureDtsJob", "CreateDtsInstance", "StartDtsJob"


class DtsStage(Stage):
    """variants: a drawn set, or the choices that differ from the usual ones."""

    def __init__(self, variants=None):
        super().__init__(Variants(variants) if isinstance(variants, dict) else variants)

    def account(self, account_id):
        return self.world.to_document()["accounts"][account_id]

    def roles(self, account_id=ACCOUNT_ONE):
        return self.account(account_id).get("roles", {})


def statuses(result):
    return {check["name"]: check["status"] for check in result["checks"]}


class MigrationStage(DtsStage):
    """Two accounts, the role between them, and patience that fits the world's clock."""

    def __init__(self, variants=None, *, role=True):
        super().__init__(variants)
        if role:
            self.let_in()

    def let_in(self, trusted=ACCOUNT_TWO):
        document = self.account(ACCOUNT_ONE)
        document.setdefault("roles", {})[ROLE] = {
            "trust_policy": trust_document(dts_trust(trusted)),
            "policies": ["System/AliyunDTSRolePolicy"],
        }
        self.world.merge({"accounts": {ACCOUNT_ONE: document}})

    def wish(self, state="running", **changes):
        given = {
            "name": NAME,
            "state": state,
            "source": self.end("source"),
            "destination": self.end("destination"),
            "objects": [{"database": "shop"}],
            "migration_types": KINDS,
            "poll_interval": 5,
            "wait_timeout": 7200,
            "settle": 30,
            "confirm": TARGET,
            **ENDPOINTS,
            **KEY_TWO,
            **changes,
        }
        return {key: value for key, value in given.items() if value is not None}

    def end(self, side, **changes):
        ends = {
            "source": {"instance_id": SOURCE, "password": PASSWORD, "account_id": ACCOUNT_ONE, "role": ROLE},
            "destination": {"instance_id": TARGET, "password": OTHER_PASSWORD},
        }
        given = {"region": "cn-hangzhou", "account": "migrator", **ends[side], **changes}
        return {key: value for key, value in given.items() if value is not None}

    def jobs(self):
        return self.world.to_document().get("dts_jobs", [])

    def purchases(self):
        return [order for order in self.world.to_document().get("dts_orders", []) if order["kind"] == "buy"]

    def change(self, instance, **fields):
        """Fields of an instance of the world."""
        document = self.world.to_document()["instances"][instance]
        self.world.merge({"instances": {instance: {**document, **fields}}})
