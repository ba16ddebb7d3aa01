# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What tests of comparisons share, whatever the databases."""

from __future__ import annotations

import json

from ansible_collections.apsaradb.migration.tests.unit.postgresql_stage import run

READER = {"user": "reader", "password": "readerSecret0001"}
WRONG = "wrongSecret0009"


def comparing(module, address, databases):
    """A function that compares a pair of servers by a module, by default these databases of theirs.

    `source` and `target` are options that reach a server otherwise than its administrator does.
    """

    def compare(pair, source=None, target=None, **options):
        ends = {"source": address(pair[0], **(source or {})), "target": address(pair[1], **(target or {}))}
        return run(module, **ends, **{"databases": databases, **options})

    return compare


def told(result):
    return [(d["kind"], d["name"], d["difference"]) for d in result["differences"]]


def is_equal(result, name):
    """What a result says of a table."""
    return next(table["equal"] for table in result["tables"] if table["name"] == name)


def assert_wrong_password_is_named_and_not_told(refused, code):
    assert refused["error"]["code"] == code
    assert "target.password" in refused["error"]["remedy"]
    assert WRONG not in json.dumps(refused)
