# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the database accounts of a job have to be allowed, by engine and kind of migration."""

from __future__ import annotations

from ..model import DatabaseAccount, Instance
from .ends import Pair
from .model import DtsEndpoint, DtsJob

_READ = frozenset({"ReadOnly", "ReadWrite", "DMLOnly", "DBOwner"})
_WRITE = frozenset({"ReadWrite", "DBOwner"})
_OWN = frozenset({"DBOwner"})


def login_problem(instance: Instance, endpoint: DtsEndpoint, password: str | None) -> str:
    """Why nobody can log in; empty if somebody can. A password that is not known is taken for right."""
    account = find_account(instance, endpoint.user_name)
    if account is None:
        return f"there is no account {endpoint.user_name or '(none given)'} on {instance.id}"
    if account.status != "Available":
        return f"the account {account.name} on {instance.id} is {account.status}"
    if password == "" or (password is not None and account.password not in (None, password)):
        return f"the password of the account {account.name} on {instance.id} is wrong"
    return ""


def find_account(instance: Instance, name: str) -> DatabaseAccount | None:
    """An account of an instance."""
    return next((one for one in instance.accounts if one.name == name), None)


def source_problem(instance: Instance, job: DtsJob, pairs: list[Pair]) -> str:
    """What the account of the source is not allowed; empty if nothing is missing."""
    account = find_account(instance, job.source.user_name)
    if account is None or account.type == "Super" or not account.console:
        return ""
    names = [one.source for one in pairs]
    if job.incremental:
        if instance.engine == "PostgreSQL":
            if instance.engine_version.startswith("9.4") and not job.structure:
                return ""
            return f"the account {account.name} is not a privileged one that owns the database"
        needed = _OWN if instance.engine == "SQLServer" else _WRITE
        return _missing(account, names, needed, "own" if needed is _OWN else "read and write")
    if instance.engine == "PostgreSQL" and not job.full:
        return ""  # the catalogue can be read by everybody
    return _missing(account, names, _READ, "read")


def target_problem(instance: Instance, job: DtsJob, pairs: list[Pair]) -> str:
    """What the account of the target is not allowed; empty if nothing is missing."""
    account = find_account(instance, job.target.user_name)
    if account is None or account.type == "Super" or not account.console:
        return ""
    needed = _OWN if instance.engine == "PostgreSQL" else _WRITE
    return _missing(account, [one.target for one in pairs], needed, "write")


def _missing(account: DatabaseAccount, names: list[str], needed: frozenset[str], word: str) -> str:
    lacking = [name for name in names if account.privileges.get(name) not in needed]
    return f"the account {account.name} may not {word}: {', '.join(lacking)}" if lacking else ""
