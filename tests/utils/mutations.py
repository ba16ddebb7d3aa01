# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Prove that the tests notice when a promise is broken.

In a copy of the working tree, breaks the code in one named way at a time and runs the tests that are to notice it. They
have to pass on the code as it is and to fail on each mutation, with a test that failed rather than a file that could
not be imported. Words on the command line choose the mutations whose names hold one of them.
"""

from __future__ import annotations

import compileall
import concurrent.futures
import os
import pathlib
import py_compile
import re
import shutil
import subprocess
import sys
import tempfile
from typing import NamedTuple

import core_tests
import cores

CODE = "plugins/module_utils"
# A run takes seconds; one that does not end has not noticed anything.
LONGEST_RUN = 300
PYTEST = "-q -x -rf --no-header --tb=short --import-mode=importlib -p no:cacheprovider".split()

DOOR, CHECKS, STORY = "tests/unit/test_door.py", "tests/unit/test_import_checks.py", "tests/unit/test_import_story.py"
RPC, LOST = "tests/unit/test_rpc.py", "tests/unit/test_lost_answers.py"
RPC_SESSION = "tests/unit/test_rpc_session.py"
UPLOAD, OSS = "tests/unit/test_oss_upload.py", "tests/unit/test_oss_client.py"
JUDGEMENTS = "tests/unit/test_postgresql_judgements.py"
CLOUD = "tests/unit/test_cloud_plan.py"
DTS = "tests/unit/test_dts_migration.py"
FAULTS = "tests/reliability/test_fault_matrix.py"
SUPPLY = "tests/reliability/test_supply_chain.py"
PERMISSION = f"{CODE}/_alibaba/missing_permission.py"


class Edit(NamedTuple):
    """In one file, `old`, which has to be there exactly once, becomes `new`."""

    path: str
    old: str
    new: str


class Mutation(NamedTuple):
    """A way to break the code. tests: what is to fail then. says: what the failure has to show."""

    name: str
    edits: tuple[Edit, ...]
    tests: tuple[str, ...]
    says: str = ""


class Broken(Exception):
    """The proof itself cannot be carried out; the message says why."""


CLIENTS_MAY_WRITE = Edit(f"{CODE}/_migration_module.py", "read_only=module.check_mode", "read_only=False")
LOOP_GOES_ON = Edit(
    f"{CODE}/_run_loop.py",
    'result["diff"]["after"] = dict(plan.after)\n        return',
    'result["diff"]["after"] = dict(plan.after)',
)
UNTOLD = 'return Check(name, UNKNOWN, f"The service did not tell this about'

MUTATIONS = (
    Mutation(
        "check mode is ignored altogether",
        (CLIENTS_MAY_WRITE, LOOP_GOES_ON),
        (f"{STORY}::test_every_way", f"{DOOR}::test_a_rehearsal_stops_before_applying"),
    ),
    Mutation(
        "clients may write in check mode",
        (CLIENTS_MAY_WRITE,),
        (f"{DOOR}::test_a_path_that_ignores_check_mode_gets_a_refusal_and_not_a_write",),
    ),
    Mutation(
        "the run loop goes on in check mode",
        (LOOP_GOES_ON,),
        (f"{STORY}::test_every_way",),
        # Nothing was written all the same: the read-only client refused.
        says="writes, and this is a rehearsal. Nothing was sent.",
    ),
    Mutation(
        "a read-only client writes",
        (Edit(f"{CODE}/_alibaba/rpc.py", "if self.read_only and not reading:", "if False:"),),
        (f"{RPC}::test_a_read_only_client_refuses_every_write",),
    ),
    Mutation(
        "a part is not compared with what arrived",
        (Edit(f"{CODE}/_alibaba/oss_upload.py", "if sent.crc64 is None or sent.crc64 == body.crc64:", "if True:"),),
        (f"{UPLOAD}::test_what_arrives_changed_is_sent_again",),
    ),
    Mutation(
        "parts of another file are gone on with",
        (
            Edit(
                f"{CODE}/_alibaba/oss_upload_resume.py",
                "if crc == part.crc64 if told else md5 == part.etag.lower():",
                "if True:",
            ),
        ),
        (f"{UPLOAD}::test_the_unfinished_upload_of_another_file_is_left_alone",),
    ),
    Mutation(
        "an upload does not look whether the file changed",
        (
            Edit(
                f"{CODE}/_alibaba/oss_upload_file.py",
                "if now != self._before:",
                "if False:",
            ),
        ),
        (f"{UPLOAD}::test_a_file_that_changes_is_not_completed",),
    ),
    Mutation(
        "OSS is written to in check mode",
        (Edit(f"{CODE}/_alibaba/oss_session.py", "if self.read_only and req.method not in _READS:", "if False:"),),
        (f"{OSS}::test_the_session_itself_refuses",),
    ),
    Mutation(
        "a bucket of others is emptied",
        (
            Edit(
                f"{CODE}/_paths/bucket.py",
                "if request.force and observed.marked and observed.keys:",
                "if request.force and observed.keys:",
            ),
            Edit(
                f"{CODE}/_paths/bucket.py",
                "elif request.force and observed.marked:",
                "elif request.force:",
            ),
        ),
        ("tests/unit/test_oss_bucket.py::test_a_bucket_of_others_is_never_emptied",),
    ),
    Mutation(
        "a write is sent again after a fault",
        (Edit(f"{CODE}/_alibaba/rpc_retries.py", "(reading and failed.transient)", "failed.transient"),),
        (f"{RPC}::test_a_write_is_never_repeated",),
    ),
    Mutation(
        "calls do not wait for their turn after a refusal",
        (Edit(f"{CODE}/_alibaba/pacing.py", "self._clock.sleep(turn - now)", "pass"),),
        ("tests/unit/test_pacing.py::test_one_task_of_a_thousand_calls_comes_close_to_the_limit",),
    ),
    Mutation(
        "the pace of calls does not rise again",
        (Edit(f"{CODE}/_alibaba/pacing.py", "self.rate += min(", "self.rate += 0 * min("),),
        ("tests/unit/test_pacing.py::test_the_pace_rises_when_the_limit_is_lifted",),
    ),
    Mutation(
        "every client of a task learns the pace of calls by itself",
        (
            Edit(
                f"{CODE}/_alibaba/services.py",
                "return self._traffic.setdefault((endpoint, *caller), Traffic())",
                "return Traffic()",
            ),
        ),
        ("tests/unit/test_pacing.py::test_another_client_of_the_same_account_is_paced_too",),
    ),
    Mutation(
        "files of the archive of a module are compiled twice",
        (Edit(f"{CODE}/_compile_once.py", "sys.path_hooks.insert(0, importer)", "sys.path_hooks.append(importer)"),),
        ("tests/unit/test_compile_once.py::test_what_is_imported_after_it_is_compiled_once",),
    ),
    Mutation(
        "a door compiles its files before they can be compiled once",
        (
            Edit(
                f"{CODE}/_local_module.py",
                "from . import _compile_once  # noqa",
                "# noqa",
            ),
        ),
        ("tests/unit/test_compile_once.py::test_each_module_imports_it_first[postgresql_source]",),
    ),
    Mutation(
        "the tasks of a database are looked for among all tasks",
        (
            Edit(
                f"{CODE}/_paths/backup_migration_seen.py",
                "return self._by_database.get(database.casefold(), ())",
                "return [task for task in self if task.database.casefold() == database.casefold()]",
            ),
        ),
        ("tests/unit/test_backup_scale.py::test_the_work_of_planning_grows_with_the_number_of_databases",),
    ),
    Mutation(
        "a lost answer is not looked after",
        (
            Edit(
                f"{CODE}/_paths/instance_import_run.py",
                "except AnswerLost as lost:\n            self._adopt_or_fail(step, lost)\n            return",
                "except AnswerLost:\n            raise",
            ),
        ),
        (f"{LOST}::test_an_adopted_import_is_said_to_be_adopted",),
    ),
    Mutation(
        "an import is not looked for when nobody waits",
        (
            Edit(
                f"{CODE}/_paths/instance_import_run.py",
                "if not self._request.wait and not self._shows_within_settle():",
                "if False:",
            ),
        ),
        (f"{STORY}::test_two_runs_in_a_row_without_waiting_start_once",),
    ),
    Mutation(
        "a foreign import is not waited for",
        (
            Edit(
                f"{CODE}/_paths/instance_import_unfinished.py",
                "return bool(observed.busy or coming(request, observed) or observed.running)",
                "return bool(coming(request, observed))",
            ),
        ),
        (f"{STORY}::test_a_foreign_import_is_waited_for_and_then_planned",),
    ),
    Mutation(
        "a switch whose answer was lost is sent again",
        (
            Edit(
                f"{CODE}/_paths/cloud_migration_run.py",
                "                raise failures.activation_lost(self._request, lost) from None",
                "                self._tasks.activate(step.parameters)",
            ),
        ),
        (f"{CLOUD}::test_an_activation_that_was_lost_is_never_sent_again",),
    ),
    Mutation(
        "a failed assessment becomes a migration",
        (
            Edit(
                f"{CODE}/_paths/cloud_migration_run.py",
                "if found is None or found.report.outcome == FAILED:",
                "if found is None:",
            ),
        ),
        (f"{CLOUD}::test_an_assessment_under_way_that_fails_is_waited_for_and_told_in_full",),
    ),
    Mutation(
        "a lag that is small once is small enough",
        (Edit(f"{CODE}/_paths/cloud_migration_run.py", "_LOOKS = 2", "_LOOKS = 1"),),
        (f"{CLOUD}::test_the_lag_has_to_be_small_twice_in_a_row",),
    ),
    Mutation(
        "a password in a report is shown",
        (Edit(f"{CODE}/_alibaba/rds_cloud_migration.py", ".masked(self._masked)", ".masked(str)"),),
        ("tests/unit/test_cloud_api.py::test_the_password_is_in_no_row",),
    ),
    Mutation(
        "lists end after the first page",
        (
            Edit(
                f"{CODE}/_alibaba/rpc.py",
                "if seen >= total if total is not None else len(rows) < page_size:",
                "if rows:",
            ),
        ),
        (f"{RPC}::test_lists_are_complete",),
    ),
    Mutation(
        "a nonce is used twice",
        (Edit(f"{CODE}/_alibaba/signing.py", "lambda: os.urandom(16).hex()", 'lambda: "0" * 32'),),
        ("tests/unit/test_signing.py::test_each_attempt_has_a_nonce_of_its_own",),
    ),
    Mutation(
        "a character is not encoded as the vendor does",
        (Edit(f"{CODE}/_alibaba/signing.py", 'safe="-_.~"', 'safe="-_.~*"'),),
        ("tests/emulator/tests/test_clients_agree.py::test_equal_requests",),
    ),
    Mutation(
        "secrets in the service's messages are shown",
        (
            Edit(
                f"{CODE}/_alibaba/rpc_failures.py",
                'redact(str((document or {}).get("Message") or "")[:4000], secrets)[:1000]',
                'str((document or {}).get("Message") or "")[:1000]',
            ),
            # Whatever fails is cleaned once more before it is told.
            Edit(
                f"{CODE}/_module_failures.py",
                "redact_all(told, [str(secret) for secret in module.no_log_values])",
                "told",
            ),
        ),
        (f"{DOOR}::test_what_the_service_quotes_is_shown_without_secrets",),
    ),
    Mutation(
        "exceptions quote the request",
        (Edit(f"{CODE}/_alibaba/rpc_failures.py", "({type(error).__name__}). Nothing was sent.", "({error})."),),
        (f"{RPC}::test_no_secret_in_any_exception_or_log",),
    ),
    Mutation(
        "secrets of the environment are not masked",
        (Edit(f"{CODE}/_module.py", "on_secret=keep_secret", "on_secret=lambda secret: None"),),
        (f"{DOOR}::test_a_secret_of_the_environment_is_masked_wherever_it_turns_up",),
    ),
    Mutation(
        "weak secrets are taken",
        (Edit(f"{CODE}/_module.py", "if weak:", "if False:"),),
        (f"{DOOR}::test_a_secret_that_would_blank_the_results_is_refused",),
    ),
    Mutation(
        "the refusal of a weak secret is masked",
        (
            Edit(
                f"{CODE}/_module_failures.py",
                "module.no_log_values.difference_update(secrets)",
                "pass",
            ),
        ),
        (f"{DOOR}::test_the_refusal_can_be_read_after_ansible_has_masked_it",),
    ),
    Mutation(
        "a missing library goes unnoticed",
        (Edit(f"{CODE}/_module.py", "if not HAS_URLLIB3:", "if False:"),),
        (f"{DOOR}::test_a_missing_library_is_named",),
    ),
    Mutation(
        "the environment is trusted",
        (Edit(f"{CODE}/_alibaba/oss_session.py", "session.trust_env = False", "session.trust_env = True"),),
        (f"{RPC_SESSION}::test_nothing_of_the_user_s_environment_reaches_a_request_to_oss",),
    ),
    Mutation(
        "a call is sent again by the library",
        (Edit(f"{CODE}/_alibaba/rpc_session.py", "retries=False", "retries=urllib3.Retry(2, allowed_methods=None)"),),
        (f"{RPC_SESSION}::test_a_write_without_an_answer_is_sent_once_and_its_outcome_is_open",),
    ),
    Mutation(
        "any certificate is trusted",
        (
            Edit(
                f"{CODE}/_alibaba/rpc_session.py",
                '"cert_reqs": "CERT_REQUIRED", kind',
                '"cert_reqs": "CERT_NONE", kind',
            ),
        ),
        (f"{RPC_SESSION}::test_only_a_certificate_of_the_authority_is_trusted",),
    ),
    Mutation(
        "an answer that contradicts itself passes for a call that never left",
        (Edit(f"{CODE}/_alibaba/rpc_failures.py", " and not any(_is_of_an_answer(cause) for cause in causes)", ""),),
        (f"{RPC_SESSION}::test_an_answer_of_oss_that_contradicts_itself_leaves_the_outcome_open",),
    ),
    Mutation(
        "credentials leave unencrypted",
        (Edit(f"{CODE}/_alibaba/connection.py", 'if parts.scheme == "http" and not is_loopback(host):', "if False:"),),
        (f"{RPC}::test_endpoints_that_are_refused",),
    ),
    Mutation(
        "what is not told passes",
        (Edit(f"{CODE}/_paths/instance_import_checks.py", UNTOLD, UNTOLD.replace("UNKNOWN", "PASS")),),
        (f"{CHECKS}::test_no_check_passes_without_one_of_its_inputs",),
    ),
    Mutation(
        "storage that is not told passes",
        (
            Edit(
                f"{CODE}/_paths/instance_import_checks.py",
                'Check("free_storage", UNKNOWN',
                'Check("free_storage", PASS',
            ),
        ),
        (f"{CHECKS}::test_what_the_service_does_not_tell_is_unknown",),
    ),
    Mutation(
        "backups that cannot be listed pass",
        (
            Edit(
                f"{CODE}/_paths/instance_import_backup_age.py",
                "name, status, \"The source's backups",
                "name, PASS, \"The source's backups",
            ),
        ),
        (f"{CHECKS}::test_what_the_service_does_not_tell_is_unknown",),
    ),
    Mutation(
        "storage that is just used up is enough",
        (Edit(f"{CODE}/_paths/instance_import_checks.py", "if free > observed", "if free >= observed"),),
        (f"{CHECKS}::test_what_is_objected_to",),
    ),
    Mutation(
        "reserved words are names",
        (
            Edit(
                f"{CODE}/_paths/instance_import_checks.py",
                "if name.casefold() in RESERVED_DATABASE_NAMES:",
                "if name in RESERVED_DATABASE_NAMES:",
            ),
        ),
        (f"{CHECKS}::test_reserved_words_are_no_target_names",),
    ),
    Mutation(
        "names in plans are not quoted",
        (
            Edit(
                f"{CODE}/_paths/instance_import_step.py",
                "return name if re.fullmatch(_PLAIN_NAME, name) else",
                "return name if True else",
            ),
        ),
        (f"{CHECKS}::test_no_two_imports_have_the_same_subject",),
    ),
    Mutation(
        "failed checks do not stop",
        (Edit(f"{CODE}/_run_loop.py", "    if stops:\n", "    if False:\n"),),
        (f"{DOOR}::test_a_failed_check_fails_at_once_and_shows_everything",),
    ),
    Mutation(
        "approved_plan is not enforced",
        (Edit(f"{CODE}/_run_loop.py", 'if options["approved_plan"]:', "if False:"),),
        (f"{DOOR}::test_an_approved_plan_is_enforced_before_the_first_write",),
    ),
    Mutation(
        "one-way steps need no confirmation",
        (Edit(f"{CODE}/_run_gate.py", "if [confirm] == targets:", "if True:"),),
        (f"{DOOR}::test_a_one_way_step_wants_the_id_of_its_instance",),
    ),
    Mutation(
        "doubts in front of one-way steps do not stop",
        (Edit(f"{CODE}/_run_loop.py", "one_way=one_way, accept", "one_way=False, accept"),),
        (f"{DOOR}::test_in_front_of_a_one_way_step_every_doubt_has_to_be_accepted",),
    ),
    Mutation(
        "a cut-off backup passes for complete",
        (
            Edit(
                f"{CODE}/_databases/sqlserver_backup_header.py",
                "if len(marks) % 2 == 0 or len(marks) == 1:",
                "if False:",
            ),
        ),
        ("tests/unit/test_backup_header.py::test_a_file_that_is_cut_behind_the_data_of_its_set",),
    ),
    Mutation(
        "hostile backups are read without end",
        (Edit(f"{CODE}/_databases/sqlserver_backup_source.py", "if self.reads >= self.most_reads:", "if False:"),),
        ("tests/unit/test_backup_reads.py::test_what_is_beyond_the_budget_is_unavailable",),
    ),
    Mutation(
        "a damaged block of a backup is believed",
        (
            Edit(
                f"{CODE}/_databases/sqlserver_backup_blocks.py",
                "and header[:4] in _KNOWN_BLOCKS and _xor(header[:_HEADER]) == 0",
                "and header[:4] in _KNOWN_BLOCKS",
            ),
        ),
        ("tests/unit/test_backup_header.py::test_a_damaged_begin_leaves_what_the_end_tells",),
    ),
    Mutation(
        "the ids of writes are forgotten",
        (Edit(f"{CODE}/_alibaba/rpc.py", 'self._log.writes.append(str(answer.get("RequestId") or ""))', "pass"),),
        (f"{DOOR}::test_a_real_run_applies_and_waits",),
    ),
    Mutation(
        "a session with SQL Server writes in a rehearsal",
        (
            Edit(
                f"{CODE}/_databases/sqlserver_connection.py",
                "if self.read_only and not only_reads(statement):",
                "if False:",
            ),
        ),
        (
            "tests/unit/test_mssql_statements.py::test_what_may_write_is_not_sent_in_a_rehearsal",
            "tests/unit/test_mssql_backup.py::test_a_rehearsal_that_forgets_it_gets_a_refusal",
        ),
    ),
    Mutation(
        "a backup is not looked for when its connection broke",
        (
            Edit(
                f"{CODE}/_paths/sqlserver_backup_run.py",
                "return Outcome(backup=self._adopted(lost, database, path), adopted=True)",
                "raise lost",
            ),
        ),
        ("tests/unit/test_mssql_backup.py::test_an_answer_that_was_lost_after_the_backup",),
    ),
    Mutation(
        "a backup is written over another one",
        (Edit(f"{CODE}/_databases/sqlserver_backup_statements.py", '"NOINIT"', '"INIT"'),),
        ("tests/unit/test_mssql_backup.py::test_another_backup_is_never_written_over",),
    ),
    Mutation(
        "a sample of a PostgreSQL server is taken for all of it",
        (Edit(f"{CODE}/_paths/comparison_report.py", "if request.wish.sample is not None:", "if False:"),),
        (f"{JUDGEMENTS}::test_a_verdict",),
    ),
    Mutation(
        "the last blocks of a large table are not read",
        (
            Edit(
                f"{CODE}/_databases/postgresql_compare_hash.py",
                "yield (first, end if end < table.blocks else None)",
                "yield (first, end)",
            ),
        ),
        (f"{JUDGEMENTS}::test_parts_leave_no_block_out",),
    ),
    Mutation(
        "a password of MySQL is sent readable to whoever asks for it",
        (Edit(f"{CODE}/_databases/mysql_guard.py", "if plugin_name in _CLEAR and not self._is_safe():", "if False:"),),
        ("tests/unit/test_mysql_judgements.py::test_the_password_is_not_sent_to_whoever_asks",),
    ),
    Mutation(
        "a statement in the binary log of MySQL is taken for a heartbeat",
        (Edit(f"{CODE}/_databases/mysql_compare_stillness.py", "if _HARMLESS.fullmatch(kind):", "if True:"),),
        ("tests/unit/test_mysql_judgements.py::test_what_an_event_of_the_log_touches",),
    ),
    Mutation(
        "a row of MySQL that has no digest is left out",
        (Edit(f"{CODE}/_databases/mysql_compare_hash.py", "unhashed, high = divmod(high, _UNHASHED)", "unhashed = 0"),),
        ("tests/unit/test_mysql_judgements.py::test_rows_without_a_digest_are_noticed",),
    ),
    Mutation(
        "a frozen source is believed at first sight",
        (
            Edit(
                f"{CODE}/_databases/postgresql_source_freeze.py", "len(self.intervals) >= 2", "len(self.intervals) >= 1"
            ),
        ),
        (f"{JUDGEMENTS}::test_a_proof_wants_two_intervals",),
    ),
    Mutation(
        "a transaction between two looks at a frozen source is overlooked",
        (Edit(f"{CODE}/_databases/postgresql_source_freeze.py", "first.horizon != second.horizon or ", ""),),
        (f"{JUDGEMENTS}::test_what_an_interval_is",),
    ),
    Mutation(
        "restores: sent again after a lost answer",
        (
            Edit(
                f"{CODE}/_paths/backup_migration_run.py",
                "            task_id = self._look_for(work, step, lost)\n",
                '            task_id = str(self._client.call(step.action, parameters)["MigrateTaskId"])\n',
            ),
        ),
        ("tests/unit/test_backup_lost_answers.py::test_a_restore",),
    ),
    Mutation(
        "restores: a chain is opened without a yes",
        (Edit(f"{CODE}/_paths/backup_migration_steps.py", "        one_way=True,\n", "        one_way=False,\n"),),
        ("tests/unit/test_backup_migration.py::test_a_chain_is_staged_and_then_opened",),
    ),
    Mutation(
        "restores: the task's word is believed before the header",
        (
            Edit(
                f"{CODE}/_paths/backup_migration_files.py",
                "        return known or self.given.type\n",
                "        return self.given.type or FULL or known\n",
            ),
        ),
        (
            "tests/unit/test_backup_migration.py::test_bad_backups_stop_the_rehearsal_and_are_named",
            "tests/unit/test_backup_cases.py::test_backups_by_hand_are_held_against_their_headers",
        ),
    ),
    Mutation(
        "restores: the daily quota is ignored",
        (
            Edit(
                f"{CODE}/_paths/backup_migration_plan.py",
                "    room, of_database = PER_INSTANCE_AND_DAY - len(today), Counter(",
                "    room, of_database = 10 * PER_INSTANCE_AND_DAY, Counter(",
            ),
        ),
        ("tests/unit/test_backup_cases.py::test_the_quota_of_the_instance",),
    ),
    Mutation(
        "restores: what is on its way is started once more",
        (
            Edit(
                f"{CODE}/_paths/backup_migration_plan.py",
                "    if task is not None and task.unfinished:\n        return Standing(one, IN_FLIGHT",
                "    if task is not None and task.waiting:\n        return Standing(one, IN_FLIGHT",
            ),
        ),
        (
            "tests/unit/test_backup_kills.py",
            "tests/unit/test_backup_cases.py::test_what_somebody_else_started_is_waited_for",
        ),
    ),
    Mutation(
        "restores: a real run sends what was only planned",
        (
            Edit(
                f"{CODE}/_paths/backup_migration_reading.py",
                "found=None if backup.given.predicted and seen.rehearsal else False)",
                "found=None if backup.given.predicted else False)",
            ),
        ),
        ("tests/unit/test_backup_cases.py::test_predicted_backups_are_planned_from",),
    ),
    Mutation(
        "a DTS instance is bought again when it is bought already",
        (
            Edit(
                f"{CODE}/_paths/dts_migration_run.py",
                "self._send(step, lambda job: job is not None and job.paid, must_show=True)",
                "self._send(step, lambda job: False, must_show=True)",
            ),
            Edit(f"{CODE}/_paths/dts_migration_plan.py", "if job is not None and job.paid:", "if job is None:"),
        ),
        (f"{DTS}::test_without_waiting", f"{DTS}::test_one_state_after_the_other"),
    ),
    Mutation(
        "a DTS job is bought before its precheck passed",
        (Edit(f"{CODE}/_paths/dts_migration_run.py", "if self._request.precheck_first:", "if False:"),),
        ("tests/unit/test_dts_input.py::test_every_item_of_a_failed_precheck_is_told",),
    ),
    Mutation(
        "DTS alerts pass without being named",
        (
            Edit(
                f"{CODE}/_paths/dts_migration_run.py",
                'item.state == "alert" and item.check in self._request.accept',
                'item.state == "alert"',
            ),
        ),
        ("tests/unit/test_dts_input.py::test_alerts_pass_only_when_they_are_named",),
    ),
    Mutation(
        "what a database server quotes is masked as typed only",
        (Edit(f"{CODE}/_local_module.py", "fail_json(**redact_all(told, [", "fail_json(**told or ([], ["),),
        ("tests/reliability/test_secrets.py::test_what_servers_of_databases_echo",),
    ),
    Mutation(
        "secrets are masked as typed only",
        (Edit(f"{CODE}/_alibaba/redaction.py", 'return f"(?:{typed}|', 'return typed or f"(?:{typed}|'),),
        ("tests/reliability/test_secrets.py::test_what_the_service_echoes",),
    ),
    Mutation(
        "the set-up takes files of any hash",
        (Edit("tests/utils/set-up.sh", '--constraint constraints.txt --constraint "$pins/venv.txt" ', ""),),
        (f"{SUPPLY}::test_the_set_up_takes_a_file_only_if_its_hash_is_pinned",),
    ),
    Mutation(
        "packages that were not looked up have no vulnerabilities",
        (Edit("tests/utils/vulnerabilities.py", "1 if found else 2 if missing else 0", "1 if found else 0"),),
        (f"{SUPPLY}::test_what_was_not_looked_up_is_no_pass",),
    ),
    Mutation(
        "a library is wanted in a version that is not tested",
        (Edit("meta/ee-requirements.txt", "requests>=2.28.0", "requests>=2.20.0"),),
        (f"{SUPPLY}::test_the_lowest_versions_are_told_alike_and_tested",),
    ),
    Mutation(
        "the tarball keeps the times of files",
        (Edit("tests/utils/build_collection.py", "same.mtime = size, seconds", "same.mtime = size, entry.mtime"),),
        ("tests/reliability/test_tarball.py::test_order_times_and_owners_are_settled",),
    ),
    Mutation(
        "redirections are followed",
        (Edit(f"{CODE}/_alibaba/rpc.py", "allow_redirects=False", "allow_redirects=True"),),
        ("tests/reliability/test_hostile_network.py::test_redirections_are_not_followed",),
    ),
    Mutation(
        "entities in XML are looked at",
        (Edit(f"{CODE}/_alibaba/oss_session.py", 'raise ValueError("the answer declares a document type")', "pass"),),
        ("tests/reliability/test_hostile_xml.py::test_no_entity_is_looked_at",),
    ),
    Mutation(
        "an answer of DTS that says Success false is taken for a success",
        (Edit(f"{CODE}/_alibaba/dts.py", "tells_success=True", "tells_success=False"),),
        (f"{DTS}::test_a_service_that_wants_to_be_paid_first",),
    ),
    Mutation(
        "a refusal of OSS names a permission that there is not",
        (Edit(PERMISSION, "_OF_OSS.get(action, action)", "action"),),
        ("tests/unit/test_missing_permission.py::test_names_are_those_of_the_table",),
    ),
    Mutation(
        "a permission that the service names is shown as it comes",
        (Edit(PERMISSION, 'if re.fullmatch(r"[a-z]{2,20}:[A-Za-z]{2,80}", named) else', "if named else"),),
        ("tests/unit/test_missing_permission.py::test_what_the_service_says_is_no_text_of_ours",),
    ),
    Mutation(
        "a page of a proxy passes for a success of OSS",
        (
            Edit(
                f"{CODE}/_alibaba/oss_session.py",
                "if response.status_code < 300 and _REQUEST_ID not in response.headers:",
                "if False:",
            ),
        ),
        (f"{FAULTS}::test_faults[PutObject]",),
        says="PutObject x HTML body",
    ),
    Mutation(
        "an answer may trickle for ever",
        (
            Edit(f"{CODE}/_alibaba/connection.py", 'if hasattr(raw, "stream") and', "if False and"),
            Edit(f"{CODE}/_alibaba/connection.py", 'if hasattr(bare, "read1") and', "if False and"),
        ),
        (f"{FAULTS}::test_faults[DescribeBackups]",),
        says="DescribeBackups x slow trickle",
    ),
    Mutation(
        "a throttled call is repeated for ever",
        (
            Edit(
                f"{CODE}/_alibaba/rpc_retries.py",
                "if not pace.wait_for_turn(late):",
                "if not pace.wait_for_turn(late + 1e9):",
            ),
            Edit(f"{CODE}/_alibaba/rpc_retries.py", "if clock.monotonic() + asked > late:", "if False:"),
        ),
        (f"{FAULTS}::test_faults[CancelImport]",),
        says="CancelImport x throttled for long",
    ),
    Mutation(
        "an expired token passes for a refusal of what was asked",
        (
            Edit(
                f"{CODE}/_alibaba/errors.py",
                "return self.transient or has_run_out(self.code)",
                "return self.transient",
            ),
        ),
        (f"{FAULTS}::test_faults[AttachPolicyToRole]", f"{FAULTS}::test_faults[GetCallerIdentity]"),
    ),
    Mutation(
        "a DTS job that is paid for is bought once more by whoever runs again",
        (
            Edit(
                f"{CODE}/_paths/dts_migration_plan.py",
                "    if job is not None and job.paid:\n        return _start_of_paid",
                "    if False:\n        return _start_of_paid",
            ),
            Edit(
                f"{CODE}/_paths/dts_migration_run.py",
                "job is not None and job.paid, must_show=True)",
                "job is not None and job.paid, must_show=True, look_first=False)",
            ),
        ),
        ("tests/reliability/test_kill_matrix.py::test_whoever_runs_again_gets_what_was_wished[DTS migration, job]",),
        says="after a kill the end is another one",
    ),
    Mutation(
        "an option does not say what happens without it",
        (
            Edit(
                "plugins/modules/rds_migration_info.py",
                "from this port, as with O(task_name). Without it",
                "from it, so",
            ),
        ),
        ("tests/docs/test_reference.py",),
        "rds_migration_info source_port",
    ),
    Mutation(
        "a return value has no sample",
        (Edit("plugins/modules/rds_cancel_import.py", '  sample: "2122321"\n', ""),),
        ("tests/docs/test_reference.py",),
        "rds_cancel_import import_id",
    ),
    Mutation(
        "a module is seen also and does not lead back",
        (Edit("plugins/modules/postgresql_source.py", "  - module: apsaradb.migration.rds_cloud_migration\n", ""),),
        ("tests/docs/test_reference.py",),
        "postgresql_source -> apsaradb.migration.rds_cloud_migration",
    ),
    Mutation(
        "a failure has a code that the page of errors lacks",
        (Edit(f"{CODE}/_alibaba/sts.py", '"account_unknown"', '"account_unheard_of"'),),
        ("tests/docs/test_reference.py",),
        "account_unheard_of",
    ),
)


def mutate(tree: pathlib.Path, mutation: Mutation) -> None:
    for edit in mutation.edits:
        path = tree / edit.path
        text = path.read_text()
        if text.count(edit.old) != 1:
            raise Broken(f"{mutation.name}: {edit.path} holds {text.count(edit.old)} times: {edit.old}")
        # The file is shared with the other copies until now.
        path.unlink()
        path.write_text(text.replace(edit.old, edit.new))


def compile_all(tree: pathlib.Path) -> None:
    """Compile once what every run imports. A compiled file that names its source's hash cannot hide a mutation."""
    checked = py_compile.PycInvalidationMode.CHECKED_HASH
    for folder in ("plugins", "tests/emulator/apsara_emulator"):
        compileall.compile_dir(tree / folder, quiet=1, invalidation_mode=checked)


def pytest(tree: pathlib.Path, tests: tuple[str, ...]) -> tuple[int, str]:
    """Run tests of the copy on the copy; the end code and the output."""
    environment = {
        **os.environ,
        "PYTHONPATH": str(tree.parents[2]),
        # Files of the same size within the same second would be taken for unchanged.
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTEST_ADDOPTS": "",
    }
    command = [f"{cores.VENV}/bin/python", "-m", "pytest", *PYTEST, *tests]
    try:
        done = subprocess.run(
            command, cwd=tree, env=environment, capture_output=True, text=True, check=False, timeout=LONGEST_RUN
        )
    except subprocess.TimeoutExpired:
        return -1, f"no end after {LONGEST_RUN} s"
    return done.returncode, done.stdout + done.stderr


def by_folder(mutations: list[Mutation]) -> list[tuple[str, ...]]:
    """All their tests, those of the collection and those of the emulator apart: each have a configuration of pytest."""
    folders: dict[str, dict[str, None]] = {}
    for test in (test for mutation in mutations for test in mutation.tests):
        folders.setdefault(test.split("/")[1], {})[test] = None
    return [tuple(tests) for tests in folders.values()]


def caught_by(original: pathlib.Path, mutation: Mutation) -> str:
    """The test that noticed; empty if none did. Whatever else ends a run than a failed test is no proof."""
    with tempfile.TemporaryDirectory(prefix="apsaradb-migration-") as place:
        tree = pathlib.Path(place, *original.parts[-3:])
        shutil.copytree(original, tree, symlinks=True, copy_function=os.link)
        mutate(tree, mutation)
        code, output = pytest(tree, mutation.tests)
    if code == 0:
        return ""
    failed = re.search(r"^FAILED (.+?)(?: - |$)", output, re.MULTILINE)
    if code != 1 or failed is None:
        raise Broken(f"{mutation.name}: the tests did not run to a failure (end code {code}):\n{output}")
    if mutation.says not in output:
        raise Broken(f"{mutation.name}: failed without saying {mutation.says!r}:\n{output}")
    return failed[1]


def main() -> int:
    words = [word for word in sys.argv[1:] if word != "--every-third"]
    wanted = [m for m in MUTATIONS if not words or any(word in m.name for word in words)]
    if len(words) < len(sys.argv[1:]):
        wanted = wanted[::3]
    width = max((len(mutation.name) for mutation in wanted), default=0)
    caught = 0
    try:
        with core_tests.copied_tree() as tree, concurrent.futures.ThreadPoolExecutor(os.cpu_count() or 1) as pool:
            compile_all(tree)
            unbroken = [pool.submit(pytest, tree, tests) for tests in by_folder(wanted)]
            noticed = [pool.submit(caught_by, tree, mutation) for mutation in wanted]
            for code, output in (run.result() for run in unbroken):
                if code:
                    raise Broken(f"The tests fail without any mutation:\n{output}")
            for mutation, test in zip(wanted, noticed, strict=True):
                print(f"{mutation.name:{width}}  {test.result() or 'SURVIVED'}", flush=True)
                caught += bool(test.result())
    except Broken as broken:
        print(broken, file=sys.stderr)
        return 1
    print(f"{len(wanted)} mutations, {caught} caught")
    return 0 if wanted and caught == len(wanted) else 1


if __name__ == "__main__":
    sys.exit(main())
