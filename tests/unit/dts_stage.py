# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A stage of two accounts: one owns the source of a migration, the other the destination, for which DTS works."""

from __future__ import annotations

from ansible_collections.apsaradb.migration.tests.unit.stage import ENDPOINT, Stage
from apsara_emulator import Variants
from apsara_emulator.default_world import ACCESS_KEY_ONE, ACCESS_KEY_TWO, ACCOUNT_ONE, ACCOUNT_TWO

ROLE = "ram-for-dts"
ENDPOINTS = {"ram_endpoint": ENDPOINT, "sts_endpoint": ENDPOINT, "dts_endpoint": ENDPOINT, "rds_endpoint": ENDPOINT}
KEY_ONE = {"access_key_id": ACCESS_KEY_ONE[0], "access_key_secret": ACCESS_KEY_ONE[1]}
KEY_TWO = {"access_key_id": ACCESS_KEY_TWO[0], "access_key_secret": ACCESS_KEY_TWO[1]}

__all__ = ["ACCOUNT_ONE", "ACCOUNT_TWO", "ENDPOINTS", "KEY_ONE", "KEY_TWO", "ROLE", "DtsStage", "statuses"]


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
