# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The records that the reports are made of."""

from __future__ import annotations

from ansible_collections.apsaradb.migration.tests.unit import report_stage as stage

MANY = 500


def reports():
    """The records of each report, by name."""
    shop = stage.names(12)
    many = stage.names(MANY)
    hosts = [
        stage.run(stage.names(3), ["shop_002"] if number % 50 == 0 else (), host=f"rm-bp1{number:04d}")
        for number in range(200)
    ]
    hostile = {
        **stage.run(stage.HOSTILE, stage.HOSTILE[:6]),
        "role": stage.HOSTILE[0],
        "guidance": dict.fromkeys(("next", "cutover", "rollback"), stage.HOSTILE),
    }
    hostile["entries"].append(
        stage.entry(
            stage.HOSTILE[1],
            stage.HOSTILE[2],
            checks=[stage.check(name, "fail", name, name) for name in stage.HOSTILE],
            calls=dict.fromkeys(stage.HOSTILE, 1),
            failed=True,
            message="\n".join(stage.HOSTILE),
            error={"code": stage.HOSTILE[0], "remedy": stage.HOSTILE[1]},
        )
    )
    return {
        "rehearsal": [stage.rehearsal(shop)],
        "finished": [stage.rehearsal(shop), stage.run(shop)],
        "failed": [stage.rehearsal(shop), stage.run(shop, shop[3:5])],
        "many": [stage.rehearsal(many), stage.run(many, many[3:9])],
        "few": [*hosts[:3], stage.rehearsal(shop)],
        "hosts": [*hosts, stage.File("broken/run.json", b"{")],
        "hostile": [hostile],
        "empty": [],
    }
