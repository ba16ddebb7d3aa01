# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Databases and accounts of an instance."""

from __future__ import annotations

from typing import Any

from ..documents import Instant
from ..errors import ApiError
from ..model import Database, DatabaseAccount, Instance
from ..operations import shown_status
from ..registry import Answer, Call, action
from ..restore_places import is_abandoned, shown_database_status
from ..world import World
from . import server_contents
from .checks import Page, page_asked_for, require_free_name


@action("rds", "DescribeDatabases", mutating=False)
def describe_databases(world: World, call: Call) -> Answer:
    """The databases of an instance. Paging figures sit inside each row; TotalCount only for SQL Server."""
    instance = world.instance(call.account_id, call.text("DBInstanceId"))
    page = page_asked_for(world, call, (30, 50, 100), 30)
    server_contents.refresh(world, instance)
    listed = [
        (name, database)
        for name, database in instance.databases.items()
        if _is_listed(world, call, instance, database)
        and call.text("DBName") in ("", name)
        and call.text("DBStatus") in ("", shown_database_status(world, instance, database))
    ]
    rows = [_row(world, instance, name, database, page, len(listed)) for name, database in page.of(listed)]
    return {"Databases": {"Database": rows}}


@action("rds", "CheckDBNameAvailable", mutating=False)
def check_db_name_available(world: World, call: Call) -> Answer:
    """Success means that the name can be used."""
    require_free_name(world, world.instance(call.account_id, call.text("DBInstanceId")), call.text("DBName"))
    return {}


@action("rds", "CreateDatabase", mutating=True)
def create_database(world: World, call: Call) -> Answer:
    """A new, empty database. Not on SQL Server 2017 Cluster Edition."""
    instance = world.instance(call.account_id, call.text("DBInstanceId"))
    _require_running(world, instance)
    if instance.engine == "SQLServer" and instance.engine_version == "2017_ent":
        raise world.variants.error("wrong_version", f"{call.action} is not available on {instance.engine_version}.")
    name = call.text("DBName")
    require_free_name(world, instance, name)
    if len(instance.databases) >= instance.max_databases:
        raise ApiError("QuotaExceeded.DBName", 400, f"The instance {instance.id} holds no more databases.")
    now = world.clock.now()
    server_contents.create_database(world, instance, name, call.text("CharacterSetName"))
    instance.databases[name] = Database(
        status="Creating",
        character_set=call.text("CharacterSetName"),
        description=call.text("DBDescription"),
        created=Instant(now),
        ready=Instant(now + world.lasting(world.state.durations.create_database)),
    )
    return {}


@action("rds", "DeleteDatabase", mutating=True)
def delete_database(world: World, call: Call) -> Answer:
    """Remove a database and what is in it."""
    instance = world.instance(call.account_id, call.text("DBInstanceId"))
    _require_running(world, instance)
    database = instance.databases.get(call.text("DBName"))
    if database is None:
        raise world.variants.error("database_not_found", f"There is no database {call.text('DBName')[:64]}.")
    if database.status != "Running" and not is_abandoned(world, database):
        raise world.variants.error("wrong_database_state", f"The database is {database.status}.")
    server_contents.drop_database(world, instance, call.text("DBName"))
    lag = world.lasting(world.variants.seconds("delete_lag"))
    if lag:
        database.status, database.gone = "Deleting", Instant(world.clock.now() + lag)
    else:
        del instance.databases[call.text("DBName")]
    return {}


@action("rds", "DescribeAccounts", mutating=False)
def describe_accounts(world: World, call: Call) -> Answer:
    """The logins of an instance. Not on SQL Server 2017 Cluster Edition (action text)."""
    instance = world.instance(call.account_id, call.text("DBInstanceId"))
    if instance.engine == "SQLServer" and instance.engine_version == "2017_ent":
        raise world.variants.error("wrong_version", f"{call.action} is not available on {instance.engine_version}.")
    page = page_asked_for(world, call, range(30, 201), 30)
    server_contents.refresh(world, instance)
    listed = [one for one in instance.accounts if call.text("AccountName") in ("", one.name)]
    return {
        "Accounts": {"DBInstanceAccount": [_account_row(instance, one) for one in page.of(listed)]},
        "PageNumber": page.number,
        "TotalRecordCount": len(listed),
    }


def _require_running(world: World, instance: Instance) -> None:
    """Only what the instance shows counts: a copy that leaves it Running lets databases be made and removed."""
    status = shown_status(world, instance)
    if status != "Running":
        raise world.variants.error("wrong_state", f"The instance {instance.id} is {status}.")
    if instance.lock_mode != "Unlock":
        raise world.variants.error("wrong_lock_mode", f"The instance {instance.id} is locked ({instance.lock_mode}).")


def _is_listed(world: World, call: Call, instance: Instance, database: Database) -> bool:
    if shown_database_status(world, instance, database) is None:
        return False
    if database.created is None:
        return True
    lag = world.lasting(world.variants.seconds("list_lag")) + call.list_lag
    return database.created + lag <= world.clock.now()


def _row(world: World, instance: Instance, name: str, database: Database, page: Page, total: int) -> dict[str, Any]:
    rights = [
        {"Account": account.name, **_right(account.privileges[name])}
        for account in instance.accounts
        if name in account.privileges
    ]
    row: dict[str, Any] = {
        "Accounts": {"AccountPrivilegeInfo": rights},
        "CharacterSetName": database.character_set,
        "DBDescription": database.description,
        "DBInstanceId": instance.id,
        "DBName": name,
        "DBStatus": shown_database_status(world, instance, database),
        "Engine": instance.engine,
        "PageNumber": page.number,
        "PageSize": page.size,
    }
    if instance.engine == "SQLServer" and world.variants["total_count_in_rows"] == "present":
        row["TotalCount"] = total
    return row


def _account_row(instance: Instance, account: DatabaseAccount) -> dict[str, Any]:
    rights = [{"DBName": name, **_right(right)} for name, right in account.privileges.items()]
    return {
        "AccountDescription": account.description,
        "AccountName": account.name,
        "AccountStatus": account.status,
        "AccountType": account.type,
        "DBInstanceId": instance.id,
        "DatabasePrivileges": {"DatabasePrivilege": rights},
        "PrivExceeded": "0",
    }


def _right(text: str) -> dict[str, str]:
    """A privilege, and its rights where they were picked one by one, as in `Custom: SELECT,INSERT`."""
    word, _colon, detail = text.partition(":")
    return {"AccountPrivilege": word, "AccountPrivilegeDetail": detail.strip()}
