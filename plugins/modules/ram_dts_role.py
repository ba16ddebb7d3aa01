#!/usr/bin/python
# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The RAM role that lets DTS of another account in."""

from __future__ import annotations

DOCUMENTATION = r"""
module: ram_dts_role
short_description: Let DTS of another Alibaba Cloud account reach the databases of this one
version_added: 1.0.0
author:
  - The apsaradb.migration contributors (@apsaradb-migration)
description:
  - Makes a RAM role in the account that owns the source of a DTS migration, or removes it. DTS works for the account
    that owns the destination, so the role trusts that account, and DTS when it works for it.
  - Runs with the credentials of the account that owns the source.
  - The trust policy is compared by what it says. One that is written in another way, with other line breaks, single
    values instead of lists, or statements that are split or joined, is left as it is.
options:
  name:
    description:
      - Name of the role, which M(apsaradb.migration.dts_migration) is told as
        O(apsaradb.migration.dts_migration#module:source.role).
      - The name alone is wanted, not the ARN. C(AliyunDTSDefaultRole) is refused, because it lets in DTS of its own
        account only.
    type: str
    required: true
  state:
    description: V(present) makes or corrects the role. V(absent) detaches O(policies) and deletes it; migrations that
      use it fail from then on.
    type: str
    choices: [present, absent]
    default: present
  destination_account_id:
    description: Id of the account that owns the destination and for which DTS works. Without it the account of
      O(destination_credentials) is asked for; one of the two is needed with O(state=present).
    type: str
  destination_credentials:
    description: Credentials of the account that owns the destination. They are used for reading only, to ask for its
      id and to see whether it has the role C(AliyunDTSDefaultRole), which DTS needs there. Without them the latter is
      not looked at.
    type: dict
    suboptions:
      access_key_id:
        description: Id of an access key. Without it O(destination_credentials.bearer_token) or
          O(destination_credentials.profile) is needed.
        type: str
      access_key_secret:
        description: Secret of the access key. Needed with O(destination_credentials.access_key_id).
        type: str
      security_token:
        description: Token of temporary credentials. Without it the key is a long-term one.
        type: str
      bearer_token:
        description: Bearer token. Without it a key or a profile is needed.
        type: str
      profile:
        description: Name of a profile of C(~/.aliyun/config.json). Without it a key or a token is needed.
        type: str
  policies:
    description: Policies that the role has. V(AliyunDTSRolePolicy) is what DTS needs. Others that are attached stay,
      with a warning; for O(state=absent) they have to be named.
    type: list
    elements: dict
    default: [{name: AliyunDTSRolePolicy, kind: System}]
    suboptions:
      name:
        description: Name of the policy.
        type: str
        required: true
      kind:
        description: V(System) for policies of the vendor, V(Custom) for those of the account.
        type: str
        choices: [System, Custom]
        default: System
  exclusive:
    description: Whether the role trusts nobody but the account of the destination. With V(false) whoever is trusted
      already stays trusted, so that one role can serve several accounts. A trust policy that cannot be understood,
      such as one with C(NotPrincipal), is replaced with a warning, and with V(false) it is an error.
    type: bool
    default: true
  description:
    description: Description of the role. Without it a new role gets one that names the account, and the description
      of a role that is there is left alone.
    type: str
extends_documentation_fragment:
  - apsaradb.migration.attributes
  - apsaradb.migration.attributes.actiongroup_apsaradb
  - apsaradb.migration.auth
  - apsaradb.migration.run
attributes:
  check_mode:
    support: full
  diff_mode:
    support: full
  idempotent:
    support: full
notes:
  - Making roles wants the account itself or an administrator; RAM users with fewer rights are refused by the service.
  - A role that was made or changed a moment ago may not let DTS in yet. The precheck of a migration says so.
seealso:
  - module: apsaradb.migration.dts_migration
"""

EXAMPLES = r"""
- name: Let DTS of the other account in
  apsaradb.migration.ram_dts_role:
    profile: source-account
    name: ram-for-dts
    destination_account_id: "2000000000000002"

- name: The same, with the id of the other account asked for
  apsaradb.migration.ram_dts_role:
    profile: source-account
    name: ram-for-dts
    destination_credentials:
      profile: destination-account

- name: Remove it after the migration
  apsaradb.migration.ram_dts_role:
    profile: source-account
    name: ram-for-dts
    state: absent
"""

RETURN = r"""
name:
  description: Name of the role.
  returned: when the service could be read
  type: str
  sample: ram-for-dts
account_id:
  description: The account that owns the role, which O(apsaradb.migration.dts_migration#module:source.account_id) is.
  returned: when the service could be read
  type: str
  sample: "1000000000000001"
destination_account_id:
  description: The account that the role trusts, or null where none was given.
  returned: when the service could be read
  type: str
  sample: "2000000000000002"
role:
  description: The role, or null. In a rehearsal, as it will be.
  returned: when the service could be read
  type: dict
  contains:
    name:
      description: Its name.
      type: str
      sample: ram-for-dts
    arn:
      description: Its ARN.
      type: str
      sample: acs:ram::1000000000000001:role/ram-for-dts
    id:
      description: Its id, or null in a rehearsal that predicts it.
      type: str
      sample: "300000000012345678"
    description:
      description: Its description.
      type: str
      sample: DTS of 2000000000000002 reads databases of here
    trusts:
      description: Whom its trust policy lets in, or null where that cannot be understood.
      type: list
      elements: str
      sample: ["RAM acs:ram::2000000000000002:root", "Service 2000000000000002@dts.aliyuncs.com"]
    policies:
      description: The policies that are attached to it.
      type: list
      elements: str
      sample: [System/AliyunDTSRolePolicy]
  sample: {"name": "ram-for-dts", "arn": "acs:ram::1000000000000001:role/ram-for-dts"}
state:
  description: V(present), V(absent), V(in_flight) when O(wait=false), or V(unknown) when the service refused to tell.
  returned: always
  type: str
  sample: present
predicted:
  description: Whether the result tells what a run would do, rather than what is.
  returned: always
  type: bool
  sample: false
plan:
  description: The steps that were still to be done when the run began, as in
    RV(apsaradb.migration.rds_import_between_instances#module:plan).
  returned: always
  type: list
  elements: dict
  sample: [{"action": "CreateRole", "target": "ram-for-dts", "subject": ["ram-for-dts"]}]
checks:
  description: The go/no-go items, as in RV(apsaradb.migration.rds_import_between_instances#module:checks).
  returned: always
  type: list
  elements: dict
  sample: [{"name": "accounts_differ", "status": "pass", "detail": "the role is for another account", "remedy": ""}]
summary:
  description: The plan, and every check that did not pass, in plain sentences.
  returned: when the service could be read
  type: list
  elements: str
  sample: ["Verdict go: 1 of 1 checks passed, 2 steps to do."]
verdict:
  description: V(no_go) with any failed check, V(review) with a warning or unknown, else V(go).
  returned: when the service could be read
  type: str
  sample: go
fingerprint:
  description: Fingerprint of the plan, for O(approved_plan).
  returned: when the service could be read
  type: str
  sample: sha256:0f343b0931126a20f133d67c2b018a3b5f8a4b2f9ac3b4e2f0c5d6a7b8c9d0e1
request_ids:
  description: Ids of the requests that changed something, and of the one that failed.
  returned: always
  type: list
  elements: str
  sample: [5A77D650-27A1-4E08-AD9E-59008EDB6927]
timing:
  description: When the task began and ended, in UTC, and how many seconds it took.
  returned: always
  type: dict
  sample: {began: "2026-11-20T21:00:00Z", ended: "2026-11-20T21:04:10Z", seconds: 250.3}
calls:
  description: How often each action of the service was called. An action that was sent again counts once.
  returned: always
  type: dict
  sample: {GetRole: 2, CreateRole: 1}
error:
  description: What a failure was, as in RV(apsaradb.migration.rds_import_between_instances#module:error).
  returned: on failure
  type: dict
  sample: {"code": "Forbidden.RAM", "http_status": 403, "request_id": "5A77D650-27A1-4E08-AD9E-59008EDB6927"}
"""

from ansible_collections.apsaradb.migration.plugins.module_utils._migration_module import run_migration
from ansible_collections.apsaradb.migration.plugins.module_utils._paths.dts_role import DtsRolePath
from ansible_collections.apsaradb.migration.plugins.module_utils._paths.dts_role_plan import read_request

CREDENTIALS = {
    "access_key_id": {"type": "str", "no_log": False},
    "access_key_secret": {"type": "str", "no_log": True},
    "security_token": {"type": "str", "no_log": True},
    "bearer_token": {"type": "str", "no_log": True},
    "profile": {"type": "str"},
}
POLICY = {
    "name": {"type": "str", "required": True},
    "kind": {"type": "str", "choices": ["System", "Custom"], "default": "System"},
}


def main() -> None:
    run_migration(
        {
            "name": {"type": "str", "required": True},
            "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
            "destination_account_id": {"type": "str"},
            "destination_credentials": {"type": "dict", "options": CREDENTIALS},
            "policies": {
                "type": "list",
                "elements": "dict",
                "options": POLICY,
                "default": [{"name": "AliyunDTSRolePolicy", "kind": "System"}],
            },
            "exclusive": {"type": "bool", "default": True},
            "description": {"type": "str"},
        },
        lambda services, options: DtsRolePath(services, read_request(options)),
    )


if __name__ == "__main__":
    main()
