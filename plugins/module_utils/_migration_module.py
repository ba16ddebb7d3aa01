# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is private to the collection.

"""The door of the modules that plan and apply: options of a run, check mode, exit and failure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from . import _compile_once  # noqa: F401  # pylint: disable=unused-import  # it works by being imported
from ._failure import MigrationFailure
from ._module import effort, new_module, services_of
from ._run_loop import rehearse_and_run
from ._run_options import RUN_OPTIONS

if TYPE_CHECKING:
    from ._alibaba.services import Services
    from ._run_steps import Path


def run_migration(
    options: Mapping[str, dict[str, Any]], make_path: Callable[[Services, Mapping[str, Any]], Path]
) -> None:
    """A module that plans and applies. make_path gets the clients and the task's parameters."""
    module = new_module({**RUN_OPTIONS, **options})
    services = services_of(module, read_only=module.check_mode)
    began = services.clock.wall()
    result: dict[str, Any] = {"changed": False, "predicted": False, "plan": [], "checks": [], "state": "unknown"}
    try:
        rehearse_and_run(make_path(services, module.params), module.params, result, check_mode=module.check_mode)
    except MigrationFailure as failure:
        from ._module_failures import fail

        fail(module, failure, {**result, **effort(services, began)}, services)
    module.exit_json(request_ids=services.log.writes, **result, **effort(services, began))
