# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is private to the collection.

"""RDS (API version 2014-08-15): what reads, where it is, the states of what it has, and the databases of an instance.

The other operations are in the files rds_*.py.

Answers are taken apart here and nowhere else: lists come as arrays, as one bare object or in a wrapper; numbers come as
text; fields may be missing. A missing or meaningless value becomes None, which says "unknown" to whoever reads it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from .rpc import RpcClient, Service

RDS = Service(
    name="rds",
    version="2014-08-15",
    reads=frozenset(
        {
            "CheckDBNameAvailable",
            "DescribeAccounts",
            "DescribeBackups",
            "DescribeCloudMigrationPrecheckResult",
            "DescribeCloudMigrationResult",
            "DescribeDBInstanceAttribute",
            "DescribeDBInstanceIPArrayList",
            "DescribeDBInstanceNetInfo",
            "DescribeDBInstances",
            "DescribeDatabases",
            "DescribeMigrateTaskById",
            "DescribeMigrateTasks",
            "DescribeOssDownloads",
            "DescribeRegions",
            "DescribeResourceUsage",
            "DescribeTasks",
        }
    ),
)

# Regions that share the central endpoint; every other region has rds.<region>.aliyuncs.com (the SDK's map).
_CENTRAL = frozenset(
    "cn-qingdao cn-beijing cn-hangzhou cn-shanghai cn-shenzhen cn-heyuan cn-hongkong ap-southeast-1 us-west-1 us-east-1"
    " cn-shanghai-finance-1 cn-shenzhen-finance-1 cn-north-2-gov-1 cn-beijing-finance-1".split()
)
_SPECIAL = {"cn-hangzhou-finance": "rds-vpc.cn-hangzhou-finance.aliyuncs.com"}

# The two ways to bring a database from one instance to another; what they need is in rds_imports.py.
IMPORT, COPY = "ImportDatabaseBetweenInstances", "CopyDatabaseBetweenInstances"

RUNNING = "Running"
# The API's words first, then those of the vendor's guides, which are the console's.
IMPORTING = frozenset({"ImportingFromOthers", "Importing"})
DATABASE_RUNNING = "Running"
# States of an instance after which it never becomes Running.
ENDED = frozenset({"Deleting", "Released"})
# What stands for a state that the service did not tell.
UNTOLD = "unknown"
# States of a database from which it does not become Running by waiting.
DATABASE_LOST = frozenset({"Cold"})


class Database(NamedTuple):
    """size in bytes, where the service tells it."""

    name: str
    state: str
    size: int | None = None
    character_set: str | None = None


def default_endpoint(region: str) -> str:
    """The SDK's rule; rds.aliyuncs.com where no region is given, as in the vendor's examples."""
    if not region or region in _CENTRAL:
        return "rds.aliyuncs.com"
    return _SPECIAL.get(region, f"rds.{region}.aliyuncs.com")


def is_region(text: str) -> bool:
    """Whether the text can be a region id; it becomes part of a host name."""
    country, *rest = text.split("-")
    letters = len(country) == 2 and country.isalpha() and text == text.lower()
    return letters and text.isascii() and bool(rest) and all(part.isalnum() for part in rest)


def databases(client: RpcClient, instance_id: str) -> dict[str, Database]:
    """All databases by name. The total stands inside the rows, and only for SQL Server."""
    found = client.pages(
        "DescribeDatabases",
        {"DBInstanceId": instance_id},
        lambda answer: rows_of(answer, "Databases", "Database"),
        page_size=100,
        total_of=lambda _answer, rows: number_of(rows[0], "TotalCount") if rows else None,
    )
    return {d.name: d for d in map(_database, found)}


def _database(row: Mapping[str, Any]) -> Database:
    return Database(
        name=text_of(row, "DBName") or "",
        state=text_of(row, "DBStatus") or UNTOLD,
        size=_database_size(row),
        character_set=text_of(row, "CharacterSetName"),
    )


def _database_size(row: Mapping[str, Any]) -> int | None:
    """The page documents RuntimeDbProperty as free-form maps; a size is taken from one that is named so.

    No unit is documented for SQL Server: a figure is believed only when it carries one.
    """
    for entry in rows_of(row, "RuntimeInfo", "RuntimeDbProperty"):
        name = str(entry.get("PropertyName") or entry.get("Name") or "").lower()
        value = str(entry.get("PropertyValue") or entry.get("Value") or "")
        match = re.fullmatch(r"(\d{1,15}(?:\.\d+)?)\s*([KMGT])i?B", value, re.IGNORECASE)
        if "size" in name and match:
            return int(float(match[1]) * 1024 ** ("KMGT".index(match[2].upper()) + 1))
    return None


def rows_of(answer: Mapping[str, Any], outer: str, inner: str) -> Sequence[Mapping[str, Any]]:
    """The rows of a list in any of the shapes the service's pages show: wrapper, array or one bare object."""
    value: Any = answer.get(outer)
    if isinstance(value, Mapping) and inner in value:
        value = value[inner]
    if isinstance(value, Mapping):
        value = [value] if value else []
    return [row for row in value if isinstance(row, Mapping)] if isinstance(value, list) else []


def text_of(row: Mapping[str, Any], name: str) -> str | None:
    value = row.get(name)
    return str(value) if isinstance(value, (str, int, float)) and not isinstance(value, bool) and value != "" else None


def number_of(row: Mapping[str, Any], name: str) -> int | None:
    value = row.get(name)
    if isinstance(value, str):
        digits = value.removeprefix("-")
        value = int(value) if digits.isdecimal() and len(digits) <= 18 else None
    return value if isinstance(value, int) and not isinstance(value, bool) else None
