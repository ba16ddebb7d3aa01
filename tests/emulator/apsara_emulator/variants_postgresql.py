# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Doubts about the cloud migration of PostgreSQL."""

from __future__ import annotations

from .variant import UNDOCUMENTED, Variant, variant

_SAMPLES = "samples of different SDKs and pages"

_REPORTS = (
    variant(
        "report_line_breaks",
        "newline | backslash_n",
        "Line breaks of Detail: real ones, or a backslash and the letter n.",
        _SAMPLES,
    ),
    variant(
        "report_error_form",
        "plain | parenthesised",
        "A failed check as `error:TEXT`, or `error(error:TEXT)` as warnings are in the samples.",
        "the help page shows the text alone, the samples have warnings only",
    ),
    variant(
        "report_failed_closing",
        "missing | present",
        "Whether a report with errors has a closing line of its own (`*Migrate check failed*`, our wording).",
        UNDOCUMENTED,
    ),
    variant(
        "report_progress",
        "at_once | growing",
        "Whether Detail is empty until the report is complete, or grows section by section.",
        UNDOCUMENTED,
    ),
    variant(
        "glibc_check",
        "compared | warns",
        "The glibc warning comes when the libraries differ, or always, as in the samples.",
        _SAMPLES,
    ),
    variant(
        "wal_keep_needed",
        "64 | 0 | 1024",
        "MB of WAL that the source has to keep for the check of the WAL keep size to pass.",
        "the check is documented by its name only",
    ),
    variant(
        "wal_keep_verdict",
        "error | warning",
        "What the check of the WAL keep size says when too little is kept.",
        "the check is documented by its name only",
    ),
)

_LISTS = (
    variant(
        "cloud_page_sizes",
        "any | documented",
        "Page sizes of the two result actions: 1 to 100, or 30 to 100.",
        "parameter text against sample answers, which show 10",
    ),
    variant(
        "cloud_task_order",
        "newest | oldest",
        "Which task comes first in the results.",
        UNDOCUMENTED,
    ),
    variant(
        "cloud_task_list_lag",
        "0 | 4 | 25",
        "Seconds before a new assessment or migration shows in the results.",
        UNDOCUMENTED,
    ),
    variant(
        "source_password_echo",
        "plain | missing",
        "Whether SourcePassword comes back in the results.",
        "the models and samples have it",
    ),
    variant(
        "replication_info_form",
        "json | escaped",
        "ReplicationInfo as JSON in a text, or with a backslash before every quotation mark in addition.",
        _SAMPLES,
    ),
    variant(
        "replication_info_absent",
        "empty | none | braces | missing",
        "ReplicationInfo while there is no replication: empty, the word None, {}, or no such field.",
        _SAMPLES,
    ),
    variant(
        "replay_lag",
        "seconds | bytes | missing",
        "What ReplayLag in ReplicationInfo counts, or that it is not there.",
        "the sample shows 0 without a unit",
    ),
    variant(
        "switch_time_absent",
        "empty | missing",
        "SwitchTime before the switch.",
        UNDOCUMENTED,
    ),
)

_STATES = (
    variant(
        "cloud_target_status",
        "Running | Restoring | ImportingFromOthers",
        "What the target instance shows while a cloud migration is under way.",
        UNDOCUMENTED,
    ),
    variant(
        "failed_copy_state",
        "unstarted | disconnect",
        "ReplicationState of a migration that came to a stop before it streamed.",
        UNDOCUMENTED,
    ),
    variant(
        "assessment_required",
        "no | yes",
        "Whether a migration is refused unless an assessment of the same source has passed.",
        "operation text: after the assessment; the call names none",
    ),
    variant(
        "source_categories",
        "open | documented",
        "Accepted values of SourceCategory: all that were ever documented, or idcOnVpc and ecsOnVpc alone.",
        "parameter texts of different releases",
    ),
    variant(
        "activation_needs",
        "streaming | increment",
        "Whether a switch needs a stream that is up, or only the stage increment.",
        "operation text names the stage alone",
    ),
    variant(
        "migration_refused",
        "IncorrectDBInstanceState 400 | IncorrectDBInstanceState 403 | OperationDenied.DBInstanceStatus 403",
        "A migration while another one is in flight, or a switch at the wrong time.",
        "action pages against the appendix of client error codes",
    ),
)

POSTGRESQL: tuple[Variant, ...] = (*_REPORTS, *_LISTS, *_STATES)
