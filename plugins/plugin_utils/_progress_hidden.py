# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This plugin util is private to the collection.

"""Whether a task runs where the progress socket does not reach."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible.module_utils.parsing.convert_bool import boolean
from ansible_collections.apsaradb.migration.plugins.module_utils._waiting import SOCKET_VARIABLE

_LOCAL = ("local", "ansible.builtin.local")
# su keeps the environment, as Ansible calls it.
_KEEPING = ("su", "ansible.builtin.su")
_OURS = "apsaradb.migration."
_TELLING = (
    "dts_migration",
    "mssql_backup",
    "oss_backup_upload",
    "rds_cancel_import",
    "rds_cloud_migration",
    "rds_import_between_instances",
    "rds_oss_backup_migrate",
)


def tells_progress(task: Any) -> bool:
    action = str(getattr(task, "resolved_action", None) or task.action)
    return action.startswith(_OURS) and action[len(_OURS) :] in _TELLING


def target_of(task: Any, host: str) -> str:
    """The name of the host that the task runs on; empty where that is a template."""
    delegated = getattr(task, "delegate_to", None) or host
    return "" if _is_template(delegated) else str(delegated)


def why_hidden(task: Any, variables: Mapping[str, Any]) -> str:
    """variables: of the host it runs on. Empty where the socket is reached, or where that shows only when it runs."""
    if SOCKET_VARIABLE in str(getattr(task, "environment", None) or ""):
        return ""
    if _is_true(variables.get("ansible_become", getattr(task, "become", None))):
        method = variables.get("ansible_become_method") or getattr(task, "become_method", None) or "sudo"
        return "" if method in _KEEPING else f"become with {method}"
    connection = variables.get("ansible_connection") or getattr(task, "connection", None) or ""
    if _is_template(connection) or connection in _LOCAL:
        return ""
    return f"the connection {connection}"


def _is_true(value: Any) -> bool:
    if value is None or _is_template(value):
        return False
    return bool(boolean(value, strict=False))


def _is_template(value: Any) -> bool:
    return isinstance(value, str) and "{" in value
