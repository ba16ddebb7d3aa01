# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is private to the collection.

"""What the codes of DTS mean, and what to change. Consulted for answers of DTS before the general ones.

No list of codes is published. These are those that the vendor's own tools and a public client handle.
"""

from __future__ import annotations

from .advice import Advice

_STATUS = Advice(
    "The status of the job does not allow this.",
    "Look at the job with rds_migration_info or in the DTS console, then run the playbook again.",
)
ROWS: tuple[tuple[str, Advice], ...] = (
    (r"invalid(job|task)status|dts\.msg\.(operationdenied|modifydenied)\..*", _STATUS),
    (
        r"invalidjobid|forbidden\.instancenotfound",
        Advice(
            "There is no such job, or it belongs to another account or region.",
            "Check the account of the access key, and region.",
        ),
    ),
    (
        r"forbidden\.rolenotauthorized",
        Advice(
            "A role does not let DTS in.",
            "Check source.role and account_id, and run ram_dts_role with the credentials of the account that owns the "
            "source.",
        ),
    ),
    (
        r"invalidparameter(\..*)?|missingparameter",
        Advice(
            "DTS did not understand a parameter.",
            "Correct the option that the message names; the plan shows the request that was sent.",
        ),
    ),
)
