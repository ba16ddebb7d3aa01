# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is private to the collection.

"""The door of modules that need no cloud, only a server or files. No HTTP library is imported for them."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from ansible.module_utils.basic import AnsibleModule

from . import _compile_once  # noqa: F401  # pylint: disable=unused-import  # it works by being imported
from ._failure import MigrationFailure
from ._timing import timing

if TYPE_CHECKING:
    from ._run_steps import Path

LOCAL_RUN_OPTIONS: dict[str, dict[str, Any]] = {
    "preflight": {"type": "str", "choices": ["enforce", "warn"], "default": "enforce"},
    "approved_plan": {"type": "str"},
}
# What the run loop asks for beyond these; nothing here is a one-way step, and waits are short.
_FIXED = {"confirm": None, "accept": (), "wait": True}
_SHORTEST_SECRET = 8


def run_local_migration(
    options: Mapping[str, dict[str, Any]],
    make_path: Callable[[Mapping[str, Any], bool], Path],
    *,
    secrets: Sequence[str] = (),
    **rules: Any,
) -> None:
    """A module that plans and applies.

    make_path gets the task's parameters, and whether it is a rehearsal, in which nothing may be written. secrets: names
    of the options that hold passwords. rules: further arguments of AnsibleModule (required_if and the like).
    """
    from ._run_loop import rehearse_and_run

    module, began = _new_module({**LOCAL_RUN_OPTIONS, **options}, secrets, rules), time.time()
    result: dict[str, Any] = {"changed": False, "predicted": False, "plan": [], "checks": [], "state": "unknown"}
    try:
        path = make_path(module.params, module.check_mode)
        rehearse_and_run(path, {**_FIXED, **module.params}, result, check_mode=module.check_mode)
    except MigrationFailure as failure:
        _fail(module, failure, {**result, "timing": timing(began, time.time())})
    module.exit_json(**result, timing=timing(began, time.time()))


def run_local_info(
    options: Mapping[str, dict[str, Any]],
    read: Callable[[Mapping[str, Any]], dict[str, Any]],
    *,
    secrets: Sequence[str] = (),
    **rules: Any,
) -> None:
    """A module that only reads. read returns the module's own result keys; so does a failure, as its `result`."""
    module, began = _new_module(options, secrets, rules), time.time()
    try:
        result = read(module.params)
    except MigrationFailure as failure:
        known = {"changed": False, **getattr(failure, "result", {})}
        _fail(module, failure, {**known, "timing": timing(began, time.time())})
    module.exit_json(changed=False, **result, timing=timing(began, time.time()))


def _new_module(
    options: Mapping[str, dict[str, Any]], secrets: Sequence[str], rules: Mapping[str, Any]
) -> AnsibleModule:
    module = AnsibleModule(argument_spec=dict(options), supports_check_mode=True, **rules)
    weak = [name for name in secrets if 0 < len(str(_option(module.params, name) or "")) < _SHORTEST_SECRET]
    if weak:
        # A database's password may be anything. It is masked all the same, and the names that hold it with it.
        module.warn(
            f"weak_secret: {' and '.join(weak)} has less than {_SHORTEST_SECRET} characters. Ansible masks it wherever "
            "it occurs, so names that contain it are blanked in this result."
        )
    return module


def _option(parameters: Mapping[str, Any], name: str) -> Any:
    """`source.password` is the password within the option source."""
    value: Any = parameters
    for part in name.split("."):
        value = value.get(part) if isinstance(value, Mapping) else None
    return value


def _fail(module: AnsibleModule, failure: MigrationFailure, result: dict[str, Any]) -> None:
    """Drivers and servers quote what they were given, and not always as it was typed, which Ansible would mask."""
    from ._alibaba.redaction import redact_all

    told = {"msg": failure.text, "error": failure.as_result(), **result}
    module.fail_json(**redact_all(told, [str(secret) for secret in module.no_log_values]))
