# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is private to the collection.

"""How a task fails at the door. Imported when one does."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ._alibaba.redaction import redact_all
from ._failure import MigrationFailure

if TYPE_CHECKING:
    from ansible.module_utils.basic import AnsibleModule

    from ._alibaba.services import Services


def fail(module: AnsibleModule, failure: MigrationFailure, result: dict[str, Any], services: Services) -> None:
    """With the result as far as it is known."""
    if services.log.writes and "plan" in result:
        result["changed"] = True  # accepted by the service, whatever came of it
    ids = [*services.log.writes, *([failure.request_id] if failure.request_id else [])]
    told = {
        "msg": failure.text,
        "error": failure.as_result(),
        "request_ids": ids,
        **result,
    }
    # Ansible masks secrets as they were typed; a client knows no others than those it signs with.
    module.fail_json(**redact_all(told, [str(secret) for secret in module.no_log_values]))


def refuse_weak(module: AnsibleModule, what: str, secrets: list[str]) -> None:
    """what: where the secrets come from, in words."""
    # Masking them here would make this very message unreadable. Nothing below shows a value.
    module.no_log_values.difference_update(secrets)
    module.fail_json(
        msg=f"weak_secret: the value of {what} is so short or so common that Ansible, which masks it in all output, "
        "would blank instance ids and database names. Nothing was written.",
        error=MigrationFailure("", code="weak_secret", remedy=f"Correct {what}.").as_result(),
        invocation={"module_args": {}},
    )
