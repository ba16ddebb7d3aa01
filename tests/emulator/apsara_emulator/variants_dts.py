# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Doubts about the data transmission service, roles, and temporary credentials.

An error of the form `CODE 200` is an answer with status 200 and Success=false, as the service gives them too.
"""

from __future__ import annotations

from .variant import UNDOCUMENTED, Variant, variant

_TWO_KINDS = "both kinds of failure are documented, not which one comes when"

_ANSWERS = (
    variant(
        "success_type",
        "documented | text | boolean",
        "Success as the models have it (text in some answers), or the same in all answers.",
        "SDK models: text in some answers, boolean in others",
    ),
    variant(
        "dynamic_message",
        "template | filled",
        "A message with %s whose text is in DynamicMessage, or the whole text in ErrMessage.",
        "field text of DynamicMessage",
    ),
    variant("detail_status", "present | missing", "Status in the answer of DescribeDtsJobDetail.", UNDOCUMENTED),
    variant(
        "dts_list_lag",
        "0 | 5",
        "Seconds after which DescribeDtsJobs lists a new job.",
        UNDOCUMENTED,
    ),
    variant(
        "missing_region",
        "everywhere | cn-hangzhou",
        "DescribeDtsJobs without Region: jobs of all regions, or of the endpoint's own.",
        "parameter text: a filter; the endpoint's host is that of most regions",
    ),
    variant(
        "caught_up_delay",
        "0 | 350",
        "Delay in milliseconds of a job that has caught up.",
        "no figure is given; with heartbeats off a delay may show on an idle source",
    ),
    variant(
        "early_delay",
        "0 | -1 | missing",
        "Delay of a job whose changes are not being applied yet.",
        UNDOCUMENTED,
    ),
    variant(
        "dts_addresses",
        "commas | lines",
        "How DescribeDTSIP separates its addresses.",
        "the field is described as text",
    ),
)

_PRECHECKS = (
    variant(
        "precheck_codes",
        "speaking | numbered",
        "Codes of items that SkipPreCheck does not name: our own words, or numbers. Nobody should depend on them.",
        "no list of codes is published",
    ),
    variant(
        "alert_item_state",
        "Failed | Warning",
        "State of an item that may be skipped.",
        "the console speaks of alerts, the state list has no word for them",
    ),
    variant(
        "passed_items",
        "listed | left_out",
        "Whether items that passed are listed.",
        UNDOCUMENTED,
    ),
    variant(
        "after_skip",
        "start_again | goes_on | not_started",
        "After SkipPreCheck the precheck goes on by itself, or the job has to be started again: from PrecheckFailed, "
        "or from NotStarted.",
        "operation text leaves it open",
    ),
    variant(
        "role_checked",
        "precheck | configure",
        "Whether a role that does not let DTS in is found by the precheck, or by ConfigureDtsJob already.",
        "the console alerts when the instance is chosen; for the API nothing is said",
    ),
    variant(
        "dts_whitelist",
        "added | manual",
        "Whether DTS puts its addresses on the white list of RDS instances by itself.",
        "one page says so; another asks the user to do it",
    ),
)

_ORDERS = (
    variant(
        "after_precheck",
        "goes_on | waits",
        "A paid job that was started goes on after its precheck, or waits in PreCheckPass to be started again.",
        "both states are named as what to wait for",
    ),
    variant(
        "start_unpaid",
        "precheck | InvalidJobStatus 403 | InvalidJobStatus 200",
        "StartDtsJob of a job that is not paid for: its precheck runs, or it is refused.",
        "in the console the precheck comes before the purchase; for the API nothing is said",
    ),
    variant(
        "second_purchase",
        "buys | InvalidJobStatus 200 | InvalidParameter 400",
        "CreateDtsInstance for a job that is paid for: another order, or a refusal.",
        "the call is not idempotent; two calls buy two instances",
    ),
    variant(
        "purchase_instance_id",
        "kept | new",
        "Whether the instance of a configured job keeps its id when it is bought.",
        UNDOCUMENTED,
    ),
    variant(
        "delete_running",
        "accepted | InvalidJobStatus 200",
        "DeleteDtsJob of a job that runs.",
        UNDOCUMENTED,
    ),
    variant(
        "configured_again",
        "accepted | refused",
        "ConfigureDtsJob of a job that is configured and has never run.",
        "a repeat is not documented",
    ),
)

_REFUSALS = (
    variant(
        "job_not_found",
        "InvalidJobId 403 | Forbidden.InstanceNotFound 403 | InvalidJobId 200",
        "A job that does not exist or is another account's.",
        f"codes that a client of the service handles; {_TWO_KINDS}",
    ),
    variant(
        "wrong_job_status",
        "InvalidJobStatus 200 | InvalidJobStatus 403 | InvalidTaskStatus 400"
        " | DTS.Msg.OperationDenied.JobStatusModifying 200",
        "An action that does not go with the status of the job.",
        f"codes that a client of the service handles; {_TWO_KINDS}",
    ),
    variant(
        "not_modifiable",
        "DTS.Msg.ModifyDenied.JobStatusNotRunning 200 | InvalidJobStatus 403",
        "A change that the status of the job does not allow.",
        f"codes that a client of the service handles; {_TWO_KINDS}",
    ),
    variant(
        "bad_dts_parameter",
        "InvalidParameter 400 | InvalidParameter 200",
        "A parameter whose value is not allowed.",
        _TWO_KINDS,
    ),
    variant(
        "role_refused",
        "Forbidden.RoleNotAuthorized 403 | Forbidden.RoleNotAuthorized 200",
        "ConfigureDtsJob with a role that does not let DTS in, where that is found there (`role_checked`).",
        "no code is published",
    ),
    variant(
        "not_skippable",
        "InvalidParameter 200 | ignored",
        "SkipPreCheck of an item that cannot be skipped.",
        UNDOCUMENTED,
    ),
    variant(
        "body_parameter_in_query",
        "InvalidParameter 400 | accepted",
        "A parameter in the query that belongs into the form.",
        "SDKs and metadata put some into the form; what happens otherwise is not said",
    ),
    variant(
        "engine_words",
        "exact | any_case",
        "Whether engine names are compared with their letter case.",
        "a public client sends MySQL where the documentation has MYSQL, and succeeds",
    ),
    variant(
        "conflict_mode",
        "required | optional",
        "targetTableMode in Reserve.",
        "its page marks it as required",
    ),
    variant(
        "reserve_numbers",
        "text | any",
        "Numbers in Reserve have to be texts.",
        "the page asks for texts, the vendor's own tool sends numbers",
    ),
)

_ROLES = (
    variant(
        "policy_text",
        "as_given | compact | rewritten",
        "The trust policy as it was given, without blanks, or with sorted keys and single values without a list.",
        "the console shows it rewritten; for the API nothing is said",
    ),
    variant(
        "bad_policy_document",
        "MalformedPolicyDocument 400 | InvalidParameter.PolicyDocument.Format 400",
        "A policy document that cannot be understood.",
        UNDOCUMENTED,
    ),
    variant(
        "role_lag",
        "0 | 8",
        "Seconds until a new or changed role lets DTS in.",
        UNDOCUMENTED,
    ),
    variant(
        "assume_refused",
        "NoPermission 403 | Forbidden.RAM 403",
        "AssumeRole by a caller whom the trust policy does not name.",
        UNDOCUMENTED,
    ),
)

DTS: tuple[Variant, ...] = (*_ANSWERS, *_PRECHECKS, *_ORDERS, *_REFUSALS, *_ROLES)
