# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is private to the collection.

"""The door: it knows AnsibleModule. Shared options, exit and failure, and modules that only read.

Those that plan and apply enter by _migration_module.py. It is a file of its own because what a file imports travels
with every task, and reading needs no plan.
"""

from __future__ import annotations

import gc
from collections.abc import Callable, Mapping
from typing import Any

from ansible.module_utils.basic import AnsibleModule, env_fallback, missing_required_lib

from . import _compile_once  # noqa: F401  # pylint: disable=unused-import  # it works by being imported
from ._alibaba.http_library import HAS_URLLIB3
from ._alibaba.services import Services
from ._failure import MigrationFailure
from ._timing import timing

AUTH_OPTIONS: dict[str, dict[str, Any]] = {
    "access_key_id": {"type": "str", "no_log": False},
    "access_key_secret": {"type": "str", "no_log": True},
    "security_token": {"type": "str", "no_log": True},
    "bearer_token": {"type": "str", "no_log": True},
    "profile": {"type": "str"},
    "region": {
        "type": "str",
        "fallback": (env_fallback, ["ALIBABA_CLOUD_REGION", "ALIBABA_CLOUD_REGION_ID", "ALICLOUD_REGION"]),
    },
    "rds_endpoint": {"type": "str", "fallback": (env_fallback, ["APSARADB_RDS_ENDPOINT"])},
    "ram_endpoint": {"type": "str", "fallback": (env_fallback, ["APSARADB_RAM_ENDPOINT"])},
    "oss_endpoint": {"type": "str", "fallback": (env_fallback, ["APSARADB_OSS_ENDPOINT"])},
    "sts_endpoint": {"type": "str", "fallback": (env_fallback, ["APSARADB_STS_ENDPOINT"])},
    "dts_endpoint": {"type": "str", "fallback": (env_fallback, ["APSARADB_DTS_ENDPOINT"])},
    "ca_path": {"type": "path", "fallback": (env_fallback, ["APSARADB_CA_PATH"])},
    # A proxy's address may hold a password.
    "proxy": {"type": "str", "no_log": True, "fallback": (env_fallback, ["APSARADB_PROXY"])},
}

# Ansible masks a secret wherever it occurs in the output. A real secret has 30 characters and occurs nowhere by chance.
_SHORTEST_SECRET = 8
_CREDENTIALS = ("access_key_secret", "security_token", "bearer_token")
# What every result says; a secret that is part of it would blank it.
_WORDS_OF_RESULTS = (
    "instance database password backup storage "
    "ImportDatabaseBetweenInstances CopyDatabaseBetweenInstances unknown imported running missing changed"
)


def run_info(
    options: Mapping[str, dict[str, Any]], read: Callable[[Services, Mapping[str, Any]], dict[str, Any]]
) -> None:
    """A module that only reads. read returns the module's own result keys."""
    module = new_module(options)
    services = services_of(module, read_only=True)
    began = services.clock.wall()
    try:
        result = read(services, module.params)
    except MigrationFailure as failure:
        from ._module_failures import fail

        fail(module, failure, {"changed": False, **effort(services, began)}, services)
    module.exit_json(changed=False, **result, **effort(services, began))


def new_module(options: Mapping[str, dict[str, Any]]) -> AnsibleModule:
    """options: those of the module beside AUTH_OPTIONS."""
    # What is imported by now stays for good; from here on garbage is looked for again, because waits take hours.
    gc.freeze()
    gc.enable()
    module = AnsibleModule(argument_spec={**AUTH_OPTIONS, **options}, supports_check_mode=True)
    if not HAS_URLLIB3:
        module.fail_json(msg=missing_required_lib("requests"))
    _refuse_weak_secrets(module)
    return module


def effort(services: Services, began: float) -> dict[str, Any]:
    """How long the task took, and what it asked of the service. began: seconds since 1970."""
    actions = services.log.actions
    return {
        "timing": timing(began, services.clock.wall()),
        "calls": {action: actions.count(action) for action in sorted(set(actions))},
    }


def services_of(module: AnsibleModule, *, read_only: bool) -> Services:
    def keep_secret(secret: str) -> None:
        """Of the environment, a profile or a role; options are known to Ansible."""
        if secret not in [module.params[name] for name in _CREDENTIALS] and _is_weak(module, secret):
            from ._module_failures import refuse_weak

            refuse_weak(module, "the credentials that were found outside of the task", [secret])
        module.no_log_values.add(secret)

    return Services(module.params, read_only=read_only, on_secret=keep_secret)


def _refuse_weak_secrets(module: AnsibleModule) -> None:
    """Stops before a secret that is short or an everyday word would blank ids and names in the result."""
    weak = [name for name in _CREDENTIALS if module.params[name] and _is_weak(module, module.params[name])]
    if weak:
        from ._module_failures import refuse_weak

        refuse_weak(module, " and ".join(weak), [module.params[name] for name in weak])


def _is_weak(module: AnsibleModule, secret: str) -> bool:
    shown = " ".join(str(_told(v)) for k, v in module.params.items() if v and k not in (*_CREDENTIALS, "proxy"))
    return len(secret) < _SHORTEST_SECRET or secret in f"{shown} {_WORDS_OF_RESULTS}"


def _told(value: Any) -> Any:
    """An option without the secrets among its suboptions."""
    secret = (*_CREDENTIALS, "password")
    return {k: _told(v) for k, v in value.items() if k not in secret} if isinstance(value, dict) else value
