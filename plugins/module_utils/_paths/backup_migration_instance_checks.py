# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is private to the collection.

"""What an instance that backups are restored into has to be. Pure."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from .._alibaba import rds
from .._alibaba.ram_names import IMPORT_ROLE
from .._alibaba.rds_instances import Instance
from .._plan import FAIL, PASS, UNKNOWN, Check
from .backup_migration_findings import listed
from .backup_migration_plan import Standing
from .backup_migration_request import Request
from .backup_migration_seen import Observed, is_2008


def instance_exists(instance_id: str, instance: Instance | None) -> Check:
    if instance is not None:
        return Check("instance_exists", PASS, f"{instance_id} exists and belongs to this account")
    return Check(
        "instance_exists",
        FAIL,
        f"{instance_id} was not found in this account and region.",
        "Correct instance_id, or use the access key of the account that owns it, or set region.",
    )


def _told(name: str, value: str | None, good: Callable[[str], bool], passed: str, failed: str, remedy: str) -> Check:
    if value is None:
        return Check(name, UNKNOWN, f"The service does not tell it: {passed}?", remedy)
    return Check(name, PASS, passed) if good(value) else Check(name, FAIL, failed.format(value=value), remedy)


def engine_fits(instance: Instance) -> Check:
    return _told(
        "engine",
        instance.engine,
        lambda engine: engine == "SQLServer",
        "the instance runs SQL Server",
        "The instance runs {value}; only SQL Server can restore these backups.",
        "Correct instance_id.",
    )


def instance_running(observed: Observed) -> Check:
    return _told(
        "instance_running",
        observed.instance.state if observed.instance else None,
        lambda state: state == rds.RUNNING,
        "the instance is Running",
        "The instance is {value}.",
        "Wait until it is Running, and run again.",
    )


def not_locked(observed: Observed) -> Check:
    return _told(
        "not_locked",
        observed.instance.lock_mode if observed.instance else None,
        lambda mode: mode == "Unlock",
        "the instance is not locked",
        "The instance is locked ({value}).",
        "Unlock it: renew the instance, enlarge its storage, or lift the manual lock.",
    )


def primary_instance(observed: Observed) -> Check:
    return _told(
        "primary_instance",
        observed.instance.type if observed.instance else None,
        lambda kind: kind == "Primary",
        "the instance is a primary instance",
        "The instance is {value}.",
        "Use a primary instance, not a read-only, disaster recovery or temporary one.",
    )


def privileged_account(observed: Observed) -> Check:
    remedy = "Create a privileged account on the instance; without one nobody has rights on the databases."
    if observed.privileged_account is None:
        return Check("privileged_account", UNKNOWN, "The service does not show the instance's accounts.", remedy)
    if observed.privileged_account:
        return Check("privileged_account", PASS, "the instance has a privileged account")
    return Check("privileged_account", FAIL, "The instance has no privileged account.", remedy)


def import_role(observed: Observed) -> Check:
    remedy = f"Authorise RDS to read OSS once in the console; that creates the role {IMPORT_ROLE}."
    if observed.import_role is None:
        allow = f"Allow ram:GetRole on {IMPORT_ROLE}. {remedy}"
        return Check("import_role", UNKNOWN, f"Whether the role {IMPORT_ROLE} exists could not be seen.", allow)
    if observed.import_role:
        return Check("import_role", PASS, f"the role {IMPORT_ROLE} exists")
    return Check("import_role", FAIL, f"The role {IMPORT_ROLE} does not exist, so RDS cannot read the bucket.", remedy)


def rules_of_2008(request: Request, observed: Observed, to_do: Sequence[Standing]) -> Check | None:
    """The database has to be there and empty, and there are no chains."""
    if not is_2008(observed):
        return None
    problems = [f"{s.target} does not exist" for s in to_do if observed.state_on_target(s.target) is None]
    problems += [f"{s.target} has a chain" for s in to_do if s.backups.later or request.state == "staged"]
    problems += [f"{s.backups.database} cannot become {s.target}" for s in to_do if s.target != s.backups.database]
    if problems:
        return Check(
            "rules_of_2008",
            FAIL,
            f"{listed(problems)}. SQL Server 2008 R2 restores full backups into empty databases of the same name.",
            "Create the databases on the instance, and use state: restored with full backups only.",
        )
    return Check(
        "rules_of_2008", UNKNOWN, "The service does not tell whether the databases are empty.", "Make sure they are."
    )
