#!/usr/bin/python
# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A migration job of Data Transmission Service."""

from __future__ import annotations

DOCUMENTATION = r"""
module: dts_migration
short_description: Migrate databases between instances of different accounts, regions or versions, by DTS
version_added: 1.0.0
author:
  - The apsaradb.migration contributors (@apsaradb-migration)
description:
  - Configures, checks, buys, runs, follows and ends a migration job of Data Transmission Service (DTS).
  - Runs with the credentials of the account that DTS works for, which is the owner of the destination. An instance of
    another account is reached through a role there, see M(apsaradb.migration.ram_dts_role).
  - A job is known by its O(name) between its two endpoints. Two such jobs, and a job of this name with other endpoints,
    are errors. A job that somebody made in the console is taken over.
  - The job is configured first, which costs nothing; then its precheck runs; then it is bought, by its id, and started.
    A purchase whose answer is lost is looked for and never sent again.
options:
  name:
    description: Name of the job (Task Name in the console).
    type: str
    required: true
  state:
    description:
      - V(configured), there is a job with these settings.
      - V(prechecked), and its precheck passed. Nothing is bought.
      - V(running), and it was bought and runs.
      - V(caught_up), and the destination is O(max_lag) behind at most, twice in a row, or for O(caught_up_for). A
        migration without incremental part is complete.
      - V(suspended), a job that runs is paused. V(running) resumes it.
      - V(stopped), the job is ended for good, which is the last step of a cut-over. Needs O(confirm).
      - V(absent), the job is deleted and its instance given back. Needs O(confirm).
      - A later state satisfies an earlier wish. A job that was stopped before it was complete is an error for the first
        four, and so is one of which the service does not tell this, until check C(job_complete) is in O(accept).
    type: str
    choices: [configured, prechecked, running, caught_up, suspended, stopped, absent]
    default: running
  source:
    description: Where the data come from.
    type: dict
    required: true
    suboptions:
      engine:
        description: Database engine.
        type: str
        choices: [MySQL, MariaDB, PostgreSQL, SQLServer]
        default: MySQL
      access:
        description: How DTS reaches it. V(rds) for an RDS instance, V(public) for a public address, V(ecs) for a
          database on an ECS instance, V(express_connect) for VPN, Express Connect and smart access gateways, V(cen) for
          Cloud Enterprise Network (its id goes into O(reserve)), V(database_gateway) for a database gateway.
        type: str
        choices: [rds, public, ecs, express_connect, cen, database_gateway]
        default: rds
      instance_id:
        description: Id of the RDS instance; of the ECS instance, VPC or gateway for other kinds of access. Needed
          unless O(source.access=public), where none is sent without it.
        type: str
      region:
        description: Region of the instance. Needed with O(source.access=rds), otherwise none is sent.
        type: str
      host:
        description: Address of a self-managed database. Needed unless O(source.access=rds), where none is sent
          without it.
        type: str
      port:
        description: Port of a self-managed database. Needed unless O(source.access=rds), where none is sent
          without it.
        type: int
      database:
        description: Database of the connection. PostgreSQL needs it; without it none is sent.
        type: str
      account:
        description: Database account. A new job needs it; without it the account of a job that is there stays.
        type: str
      password:
        description: Password of O(source.account). A new job needs it; without it that of a job that is there stays.
          It is never compared, see O(update_password).
        type: str
      account_id:
        description: Id of the Alibaba Cloud account that owns the instance, if it is not the caller's. Without it the
          account of O(source.credentials) is taken where O(source.role) is given, else the instance is the caller's.
        type: str
      role:
        description: Name of the RAM role of that account, as made by M(apsaradb.migration.ram_dts_role). Not its ARN,
          and not C(AliyunDTSDefaultRole). Without it the instance is the caller's own.
        type: str
      credentials:
        description: Credentials of the account that owns the instance. They are used for reading only, to check role,
          accounts, databases and white list. Without them these checks are V(unknown) for an instance of another
          account.
        type: dict
        suboptions:
          access_key_id:
            description: Id of an access key. Without it a token or a profile is needed.
            type: str
          access_key_secret:
            description: Secret of the access key. Needed with the id.
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
      ssl:
        description: Whether the connection is encrypted; for RDS, SSL has to be on at the instance. Without it the
          service decides.
        type: bool
      vswitch_id:
        description: vSwitch of the data channel. Without it none is sent.
        type: str
      primary_vswitch_id:
        description: vSwitch of the NAT gateway on this side. Without it none is sent.
        type: str
      secondary_vswitch_id:
        description: Second vSwitch of the NAT gateway on this side. Without it none is sent.
        type: str
  destination:
    description: Where the data go to.
    type: dict
    required: true
    suboptions:
      engine:
        description: Database engine.
        type: str
        choices: [MySQL, MariaDB, PostgreSQL, SQLServer]
        default: MySQL
      access:
        description: How DTS reaches it. V(rds) for an RDS instance, V(public) for a public address, V(ecs) for a
          database on an ECS instance, V(express_connect) for VPN, Express Connect and smart access gateways, V(cen) for
          Cloud Enterprise Network (its id goes into O(reserve)), V(database_gateway) for a database gateway.
        type: str
        choices: [rds, public, ecs, express_connect, cen, database_gateway]
        default: rds
      instance_id:
        description: Id of the RDS instance; of the ECS instance, VPC or gateway for other kinds of access. Needed
          unless O(destination.access=public), where none is sent without it.
        type: str
      region:
        description: Region of the instance. Needed with O(destination.access=rds), otherwise none is sent.
        type: str
      host:
        description: Address of a self-managed database. Needed unless O(destination.access=rds), where none is sent
          without it.
        type: str
      port:
        description: Port of a self-managed database. Needed unless O(destination.access=rds), where none is sent
          without it.
        type: int
      database:
        description: Database of the connection. PostgreSQL needs it; without it none is sent.
        type: str
      account:
        description: Database account. A new job needs it; without it the account of a job that is there stays.
        type: str
      password:
        description: Password of O(destination.account). A new job needs it; without it that of a job that is there
          stays. It is never compared, see O(update_password).
        type: str
      account_id:
        description: Id of the Alibaba Cloud account that owns the instance, if it is not the caller's. Without it the
          account of O(destination.credentials) is taken where O(destination.role) is given, else the instance is the
          caller's.
        type: str
      role:
        description: Name of the RAM role of that account, as made by M(apsaradb.migration.ram_dts_role). Not its ARN,
          and not C(AliyunDTSDefaultRole). For RDS MySQL only. Without it the instance is the caller's own.
        type: str
      credentials:
        description: Credentials of the account that owns the instance. They are used for reading only, to check role,
          accounts, databases and white list. Without them these checks are V(unknown) for an instance of another
          account.
        type: dict
        suboptions:
          access_key_id:
            description: Id of an access key. Without it a token or a profile is needed.
            type: str
          access_key_secret:
            description: Secret of the access key. Needed with the id.
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
      ssl:
        description: Whether the connection is encrypted; for RDS, SSL has to be on at the instance. Without it the
          service decides.
        type: bool
      primary_vswitch_id:
        description: vSwitch of the NAT gateway on this side. Without it none is sent.
        type: str
      secondary_vswitch_id:
        description: Second vSwitch of the NAT gateway on this side. Without it none is sent.
        type: str
  objects:
    description: What is migrated. A new job needs it (or O(db_list)). Where it differs from a job that is there, the
      job is changed; without it the job's own stays.
    type: list
    elements: dict
    suboptions:
      database:
        description: Database of the source. For PostgreSQL, whose database stands in O(source.database), the service's
          pages do not say whether this is the database or a schema; the console's preview of API parameters does.
        type: str
        required: true
      new_name:
        description: Its name on the destination. Without it the name stays.
        type: str
      dml:
        description: The service's C(dml_op), the changes of rows that are carried over. Needs V(incremental) in
          O(migration_types). Without it all are.
        type: str
      ddl:
        description: The service's C(ddl_op), the changes of structure that are carried over. Needs V(incremental) in
          O(migration_types). Without it all are.
        type: str
      tables:
        description: Tables. Without it and without O(objects[].others) the whole database is migrated. Where single
          tables are chosen, views, triggers and procedures are not migrated unless they are named.
        type: list
        elements: dict
        suboptions:
          name:
            description: Name of the table.
            type: str
            required: true
          new_name:
            description: Its name on the destination. Without it the name stays.
            type: str
          schema:
            description: Its schema, for engines that have schemas. Without it the service decides.
            type: str
          new_schema:
            description: Its schema on the destination. Without it the same as O(objects[].tables[].schema).
            type: str
          where:
            description: Condition of the rows that are migrated. Without it all are.
            type: str
          columns:
            description: Columns. Without it all are migrated.
            type: list
            elements: dict
            suboptions:
              name:
                description: Name of the column.
                type: str
                required: true
              new_name:
                description: Its name on the destination. Without it the name stays.
                type: str
          dml:
            description: As O(objects[].dml), for the table. Without it that of the database.
            type: str
          ddl:
            description: As O(objects[].ddl), for the table. Without it that of the database.
            type: str
      others:
        description: Other objects, such as views and procedures. Without it none, where tables are chosen.
        type: list
        elements: dict
        suboptions:
          kind:
            description: Kind of the object. The service's format holds one object of a kind and name for each database.
            type: str
            required: true
            choices:
              - View
              - Procedure
              - Function
              - Sequence
              - Synonym
              - Type
              - Domain
              - Package
              - Aggregate
              - Operator
              - Extension
              - Rule
              - Default
              - Plan
              - Job
          name:
            description: Name of the object.
            type: str
            required: true
          new_name:
            description: Its name on the destination. Without it the name stays.
            type: str
          schema:
            description: Its schema. Without it the service decides.
            type: str
          new_schema:
            description: Its schema on the destination. Without it the same.
            type: str
  db_list:
    description: The objects in the service's own form (C(DbList)), for what O(objects) cannot say. It is compared
      literally. Without it O(objects) is used.
    type: dict
  migration_types:
    description:
      - V(schema) and V(full) copy, free of a configuration fee; do not write to the source meanwhile. With
        V(incremental) the destination follows the source, with little downtime; it is charged.
      - Without V(schema) databases and tables have to be on the destination.
      - Without it a new job gets V(schema) and V(full), and a job that is there keeps its own. It cannot be changed.
    type: list
    elements: str
    choices: [schema, full, incremental]
  existing_tables:
    description: What happens when the destination has tables of the same names. V(stop) fails the precheck. V(ignore)
      goes on; rows of equal keys stay as they are in the full migration and are overwritten in the incremental one, so
      that data may become inconsistent. Without it a new job gets V(stop).
    type: str
    choices: [stop, ignore]
  triggers:
    description: How triggers are migrated, as the service's C(triggerMode) has it, for example V(manual). Needs
      V(schema) and V(incremental) in O(migration_types). Without it the service decides.
    type: str
  assessment:
    description: Whether index lengths, procedures and dependent tables are assessed. It informs only, and needs
      V(schema) in O(migration_types). Without it the service decides.
    type: bool
  events:
    description: Whether events are migrated. Without it the service decides.
    type: bool
  capitalization:
    description: Upper and lower case of names on the destination, as the service's C(dbListCaseChangeMode) has it, for
      example V(default). Without it the service decides.
    type: str
  accounts:
    description: Whether database accounts are migrated. Which ones is told in O(reserve), key C(privilegeDbList).
      It needs more rights, of which RDS does not tell, so that checks C(source_account) and C(destination_account) are
      V(unknown) with V(true). Without it the service decides.
    type: bool
  definer:
    description: Whether the DEFINER of views and procedures is kept. Without it the service decides.
    type: bool
  online_ddl:
    description: What happens to temporary tables of tools that change tables online. V(migrate) copies them, which may
      add to the delay; V(dms) and V(gh_ost) leave those of that tool out and carry over its statement, which may lock
      tables of the destination. Never use pt-online-schema-change at the source, it fails the job. Without it the
      service decides.
    type: str
    choices: [migrate, dms, gh_ost]
  etl:
    description: Script of the transformation on the way (ETL). Without it there is none.
    type: str
  retry_connection_minutes:
    description: Minutes for which a lost connection is retried, 10 to 1440; at least 30 are advised. Without it 720.
    type: int
  retry_other_minutes:
    description: Minutes for which other faults are retried, 1 to 1440; at least 10 are advised. It has to be below
      O(retry_connection_minutes). Without it 10.
    type: int
  throttle_full:
    description: Limits of the full migration. Needs V(full) in O(migration_types). Without it there are none.
    type: dict
    suboptions:
      qps:
        description: Queries per second at the source, V(-1) for no limit. Without it none.
        type: int
      rps:
        description: Rows per second, V(-1) for no limit. Without it none.
        type: int
      mb_per_second:
        description: Megabytes per second, V(-1) for no limit. Without it none.
        type: int
  throttle_incremental:
    description: Limits of the incremental migration. Needs V(incremental) in O(migration_types). Without it there are
      none.
    type: dict
    suboptions:
      rps:
        description: Rows per second, V(-1) for no limit. Without it none.
        type: int
      mb_per_second:
        description: Megabytes per second, V(-1) for no limit. Without it none.
        type: int
  reserve:
    description:
      - Further keys of the service's C(Reserve), which win over those that other options make. Numbers are sent as
        texts.
      - Among them is whether statements on heartbeat tables are left out at the source. The service's pages do not name
        its key; the console's preview of API parameters does.
      - Without it no other keys are sent.
    type: dict
  dedicated_cluster_id:
    description: Dedicated DTS cluster. Without it the shared one. It cannot be changed.
    type: str
  data_check:
    description: Data verification, as the service's C(DataCheckConfigure) has it, for example C(fullDataCheck),
      C(fullCheckModel), C(incrementalDataCheck). Used for a new job only. Without it nothing is verified by DTS.
    type: dict
  checkpoint:
    description: Where the incremental part begins, in seconds since 1970. Used for a new job only. Without it at the
      moment of its start.
    type: str
  alarms:
    description: Alarms of the job. Without it those of a job that is there stay, and a new one has none.
    type: dict
    suboptions:
      delay_seconds:
        description: Delay from which there is an alarm; 10 or more is advised, V(0) switches it off. Without it nothing
          is changed.
        type: int
      error:
        description: Whether there is an alarm when the job fails. Without it nothing is changed.
        type: bool
      delay_phones:
        description: Phone numbers that the alarm of O(alarms.delay_seconds) calls, which needs them (site of China
          only). Without it none are sent.
        type: list
        elements: str
      error_phones:
        description: Phone numbers that the alarm of O(alarms.error) calls, which needs them (site of China only).
          Without it none are sent.
        type: list
        elements: str
  instance_class:
    description: Size of the instance, which decides speed and price. Without it the service decides. At a job that was
      bought a difference is reported; change it in the console, where the price is shown.
    type: str
    choices: [small, medium, large, xlarge, xxlarge]
  pay_type:
    description: V(PostPaid) is pay-as-you-go, V(PrePaid) a subscription.
    type: str
    choices: [PostPaid, PrePaid]
    default: PostPaid
  period:
    description: Unit of O(used_time). Needed with O(pay_type=PrePaid), and refused with V(PostPaid).
    type: str
    choices: [Month, Year]
  used_time:
    description: Length of a subscription, 1 to 9 months, or 1, 2, 3 or 5 years. Needed with O(pay_type=PrePaid), and
      refused with V(PostPaid).
    type: int
  auto_renew:
    description: Whether a subscription renews itself. Without it the service decides.
    type: bool
  resource_group_id:
    description: Resource group of the job. Without it the default one. It cannot be changed.
    type: str
  environment_tag:
    description: Environment tag of the job. Without it none. It cannot be changed.
    type: str
    choices: [normal, online]
  precheck:
    description: V(before_purchase) buys nothing before the precheck passed. Should the service refuse to run the
      precheck of a job that is not bought, the task fails saying so; V(after_purchase) buys first, then.
    type: str
    choices: [before_purchase, after_purchase]
    default: before_purchase
  update_password:
    description: The sides whose password is sent to a job that is there, each time; for use once after a password
      changed. The service refuses one that is the same as before. Without it passwords are sent with a new job or
      another account only.
    type: list
    elements: str
    choices: [source, destination]
    default: []
  max_lag:
    description: Seconds that the destination may be behind with O(state=caught_up).
    type: float
    default: 2
  caught_up_for:
    description: Seconds for which the destination has to stay that close with O(state=caught_up), looked at every
      O(poll_interval), as before a cut-over. It counts anew in every run. With V(0), two looks in a row are enough.
    type: float
    default: 0
extends_documentation_fragment:
  - apsaradb.migration.attributes
  - apsaradb.migration.attributes.actiongroup_apsaradb
  - apsaradb.migration.auth
  - apsaradb.migration.run
attributes:
  check_mode:
    support: full
    details:
      - What the precheck will find cannot be predicted, nor whether alerts that are in O(accept) come up.
  diff_mode:
    support: full
  idempotent:
    support: full
notes:
  - The steps of RV(plan) show the parameters of the requests, with passwords masked, as the console's preview does.
  - A failed precheck fails the task at once, with every item, its cause and its remedy. Items that the service calls
    alerts are passed over when O(accept) has their names, such as C(precheck_same_obj); data may become inconsistent
    then.
  - Objects, settings, alarms, limits and database accounts of a job that is there are changed. What cannot be changed
    is reported as failed check C(settings_fixed), as are other O(objects) and O(migration_types) than those of a job
    that is over. Where the service does not tell what the job has, check C(settings_unknown) names the options and
    nothing is changed. Check C(retry_order) fails where retry times do not go with those that the job has, and
    C(job_options) where another account comes without its password. A password is sent again with O(update_password).
  - In RV(plan) and diff, values of O(reserve), O(data_check) and of the job's own settings are masked where their name
    looks like that of a password, secret, token, key or certificate. Ansible itself shows a task's options at high
    verbosity; use C(no_log) at a task that has such values.
  - What database accounts may do is told by RDS only, which checks C(source_account) and C(destination_account) go by.
    No database is logged on to, so that they are V(unknown) for self-managed databases and for accounts that were made
    by a statement; the precheck of DTS decides. To look beforehand, run as that account C(SHOW GRANTS) on MySQL and
    MariaDB, C(SELECT * FROM sys.fn_my_permissions(NULL, 'DATABASE')) on SQL Server, and on PostgreSQL
    C(SELECT * FROM pg_roles WHERE rolname = current_user) and
    C(SELECT datname, pg_get_userbyid(datdba) FROM pg_database). The remedy of the check tells what is needed.
  - With O(wait=false) the precheck is waited for all the same, where a purchase follows it.
  - O(confirm) is the id of the destination instance, or C(host:port) of a self-managed destination.
  - "Of the console's parameters these have no option. Select Existing Connection and Test Connectivity belong to the
    console; the precheck connects. Replicate Data Across Accounts follows from O(source.role). Service terms are
    accepted by the purchase."
  - For SQL Server only the control plane has been run, which is the calls that make, check, buy, follow and end a job.
    No data were ever moved between SQL Servers.
  - Jobs are looked for in O(region), without it in the region of the destination. Only migrations are; synchronisation
    is another kind of job.
seealso:
  - module: apsaradb.migration.mysql_compare
  - module: apsaradb.migration.ram_dts_role
  - module: apsaradb.migration.rds_migration_info
  - module: apsaradb.migration.migration_gate
"""

EXAMPLES = r"""
- name: Rehearse, then migrate with little downtime
  apsaradb.migration.dts_migration:
    profile: destination-account
    name: orders-to-the-new-account
    state: caught_up
    source: &source
      instance_id: rm-bp1mysql00000001
      region: cn-hangzhou
      account: migrator
      password: "{{ vault_source_password }}"
      account_id: "1000000000000001"
      role: ram-for-dts
    destination: &destination
      instance_id: rm-bp1othermysql0001
      region: cn-hangzhou
      account: migrator
      password: "{{ vault_destination_password }}"
    objects:
      - database: shop
    migration_types: [schema, full, incremental]

- name: Single tables, renamed and filtered, after the precheck only
  apsaradb.migration.dts_migration:
    profile: destination-account
    name: recent-orders
    state: prechecked
    source: *source
    destination: *destination
    objects:
      - database: shop
        new_name: shop_2026
        tables:
          - name: orders
            where: id > 1000
            columns:
              - name: id
              - name: total
                new_name: amount

- name: End it after the cut-over
  apsaradb.migration.dts_migration:
    profile: destination-account
    name: orders-to-the-new-account
    state: stopped
    source: *source
    destination: *destination
    confirm: rm-bp1othermysql0001
"""

RETURN = r"""
name:
  description: Name of the job.
  returned: when the service could be read
  type: str
  sample: orders-to-the-new-account
source:
  description: The source.
  returned: when the service could be read
  type: dict
  contains:
    engine:
      description: Engine.
      type: str
      sample: MySQL
    instance_id:
      description: Instance.
      type: str
      sample: rm-bp1mysql00000001
    region:
      description: Region.
      type: str
      sample: cn-hangzhou
    host:
      description: Address, of a self-managed database.
      type: str
      sample: null
    port:
      description: Port, of a self-managed database.
      type: int
      sample: null
    database:
      description: Database of the connection.
      type: str
      sample: null
    account:
      description: Database account.
      type: str
      sample: migrator
    account_id:
      description: The account that owns it, if it is another one.
      type: str
      sample: "1000000000000001"
    role:
      description: The role there.
      type: str
      sample: ram-for-dts
  sample: {"engine": "MySQL", "instance_id": "rm-bp1mysql00000001", "region": "cn-hangzhou"}
destination:
  description: The destination.
  returned: when the service could be read
  type: dict
  contains:
    engine:
      description: Engine.
      type: str
      sample: MySQL
    instance_id:
      description: Instance.
      type: str
      sample: rm-bp1mysql00000001
    region:
      description: Region.
      type: str
      sample: cn-hangzhou
    host:
      description: Address, of a self-managed database.
      type: str
      sample: null
    port:
      description: Port, of a self-managed database.
      type: int
      sample: null
    database:
      description: Database of the connection.
      type: str
      sample: null
    account:
      description: Database account.
      type: str
      sample: migrator
    account_id:
      description: The account that owns it, if it is another one.
      type: str
      sample: "1000000000000001"
    role:
      description: The role there.
      type: str
      sample: ram-for-dts
  sample: {"engine": "MySQL", "instance_id": "rm-bp1mysql00000001", "region": "cn-hangzhou"}
job:
  description: The job, or null. In a rehearsal, as it will be as far as that is known.
  returned: when the service could be read
  type: dict
  contains:
    id:
      description: Its id, or null in a rehearsal that predicts it.
      type: str
      sample: k2gm967v16f0000
    instance_id:
      description: Id of its DTS instance.
      type: str
      sample: dtsk2gm967v16f0000
    status:
      description: The service's status. C(Suspending) means paused. C(unknown) in a rehearsal.
      type: str
      sample: Migrating
    migration_types:
      description: What it does.
      type: list
      elements: str
      sample: [full, incremental, schema]
    phases:
      description: For each kind, its status, percent and error.
      type: dict
      sample: {"schema": {"status": "Finished", "percent": 100, "error": ""}}
    delay_ms:
      description: Milliseconds that the destination is behind, null where it is not told.
      type: int
      sample: 350
    bought:
      description: Whether it was bought.
      type: bool
      sample: true
    pay_type:
      description: How it is paid.
      type: str
      sample: PostPaid
    instance_class:
      description: Its size.
      type: str
      sample: medium
    created:
      description: When it was made.
      type: str
      sample: "2026-01-31T22:30:00Z"
    error:
      description: Why it failed, as the service tells it.
      type: str
      sample: null
  sample: {"id": "k2gm967v16f0000", "status": "Migrating", "bought": true}
precheck:
  description: The last precheck of a job whose precheck failed, else null.
  returned: when the service could be read
  type: dict
  contains:
    state:
      description: The service's state.
      type: str
      sample: Failed
    checks:
      description: What it looked at.
      type: list
      elements: dict
      contains:
        check:
          description: Name for O(accept).
          type: str
          sample: precheck_same_obj
        code:
          description: The service's code.
          type: str
          sample: CHECK_SAME_OBJ
        state:
          description: V(pass), V(alert), V(fail) or V(pending).
          type: str
          sample: alert
        skipped:
          description: Whether it is passed over.
          type: bool
          sample: false
        reason:
          description: The service's reason.
          type: str
          sample: tables of the same name are on the destination
        remedy:
          description: The service's advice.
          type: str
          sample: rename the tables
      sample: []
  sample: null
dts_servers:
  description: Networks that DTS connects from, where they were asked for, else null.
  returned: when the service could be read
  type: list
  elements: str
  sample: [100.104.0.0/16]
adopted:
  description: Whether something was found done whose answer was lost, or that somebody else did.
  returned: when the service could be read
  type: bool
  sample: false
state:
  description: V(none), V(configured), V(prechecking), V(precheck_failed), V(prechecked), V(running), V(caught_up),
    V(suspended), V(failed), V(locked), V(stopped), V(absent), V(in_flight) or V(unknown). In a rehearsal, what the run
    will lead to.
  returned: always
  type: str
  sample: running
predicted:
  description: Whether the result tells what a run would do, rather than what is.
  returned: always
  type: bool
  sample: false
plan:
  description: The steps that were still to be done when the run began, as in
    RV(apsaradb.migration.rds_import_between_instances#module:plan). Passwords are masked.
  returned: always
  type: list
  elements: dict
  sample: [{"action": "ConfigureDtsJob", "target": "rm-bp1othermysql0001", "subject": ["orders-to-the-new-account"]}]
checks:
  description: The go/no-go items, as in RV(apsaradb.migration.rds_import_between_instances#module:checks).
  returned: always
  type: list
  elements: dict
  sample: [{"name": "source_role", "status": "pass", "detail": "role ram-for-dts lets in DTS", "remedy": ""}]
summary:
  description: The plan, and every check that did not pass, in plain sentences.
  returned: when the service could be read
  type: list
  elements: str
  sample: ["Verdict go: 12 of 12 checks passed, 3 steps to do."]
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
  sample: {DescribeDtsJobs: 2, DescribeDtsJobDetail: 9, ConfigureDtsJob: 1}
error:
  description: What a failure was, as in RV(apsaradb.migration.rds_import_between_instances#module:error). Codes of this
    module are C(several_jobs), C(name_taken), C(precheck_failed), C(precheck_needs_purchase), C(migration_failed),
    C(migration_suspended), C(migration_stopped), C(completion_unknown) and C(not_seen_yet).
  returned: on failure
  type: dict
  sample: {"code": "precheck_failed", "http_status": null, "request_id": null, "action": "StartDtsJob"}
"""

from typing import Any

from ansible_collections.apsaradb.migration.plugins.module_utils._migration_module import run_migration
from ansible_collections.apsaradb.migration.plugins.module_utils._paths.dts_migration import (
    DtsMigration,
    credentials_of,
)
from ansible_collections.apsaradb.migration.plugins.module_utils._paths.dts_migration_request import (
    passwords_of,
    read_request,
)

TEXT: dict[str, Any] = {"type": "str"}
SWITCH: dict[str, Any] = {"type": "bool"}
NUMBER: dict[str, Any] = {"type": "int"}
NAME: dict[str, Any] = {"type": "str", "required": True}
PHONES: dict[str, Any] = {"type": "list", "elements": "str"}
OTHER_KINDS = [
    "View", "Procedure", "Function", "Sequence", "Synonym", "Type", "Domain", "Package", "Aggregate", "Operator",
    "Extension", "Rule", "Default", "Plan", "Job",
]  # fmt: skip


def _list_of(options: dict[str, dict[str, Any]]) -> dict[str, Any]:
    return {"type": "list", "elements": "dict", "options": options}


CREDENTIALS = {
    "access_key_id": {"type": "str", "no_log": False},
    "access_key_secret": {"type": "str", "no_log": True},
    "security_token": {"type": "str", "no_log": True},
    "bearer_token": {"type": "str", "no_log": True},
    "profile": TEXT,
}
DESTINATION = {
    "engine": {"type": "str", "choices": ["MySQL", "MariaDB", "PostgreSQL", "SQLServer"], "default": "MySQL"},
    "access": {
        "type": "str",
        "choices": ["rds", "public", "ecs", "express_connect", "cen", "database_gateway"],
        "default": "rds",
    },
    **dict.fromkeys(("instance_id", "region", "host", "database", "account", "account_id", "role"), TEXT),
    "port": NUMBER,
    "password": {"type": "str", "no_log": True},
    "credentials": {"type": "dict", "options": CREDENTIALS},
    "ssl": SWITCH,
    **dict.fromkeys(("primary_vswitch_id", "secondary_vswitch_id"), TEXT),
}
COLUMN = {"name": NAME, "new_name": TEXT}
NAMED = {"name": NAME, **dict.fromkeys(("new_name", "schema", "new_schema"), TEXT)}
TABLE = {**NAMED, **dict.fromkeys(("where", "dml", "ddl"), TEXT), "columns": _list_of(COLUMN)}
OTHER = {**NAMED, "kind": {"type": "str", "required": True, "choices": OTHER_KINDS}}
DATABASE = {
    "database": NAME,
    **dict.fromkeys(("new_name", "dml", "ddl"), TEXT),
    "tables": _list_of(TABLE),
    "others": _list_of(OTHER),
}
LIMITS = {"rps": NUMBER, "mb_per_second": NUMBER}
ALARMS = {"delay_seconds": NUMBER, "error": SWITCH, "delay_phones": PHONES, "error_phones": PHONES}
STATES = ["configured", "prechecked", "running", "caught_up", "suspended", "stopped", "absent"]
OPTIONS = {
    "name": NAME,
    "state": {"type": "str", "choices": STATES, "default": "running"},
    "source": {"type": "dict", "required": True, "options": {**DESTINATION, "vswitch_id": TEXT}},
    "destination": {"type": "dict", "required": True, "options": DESTINATION},
    "objects": _list_of(DATABASE),
    "db_list": {"type": "dict"},
    "reserve": {"type": "dict"},
    "data_check": {"type": "dict"},
    "migration_types": {"type": "list", "elements": "str", "choices": ["schema", "full", "incremental"]},
    "existing_tables": {"type": "str", "choices": ["stop", "ignore"]},
    **dict.fromkeys(("triggers", "capitalization", "etl", "dedicated_cluster_id", "checkpoint"), TEXT),
    **dict.fromkeys(("assessment", "events", "accounts", "definer", "auto_renew"), SWITCH),
    "online_ddl": {"type": "str", "choices": ["migrate", "dms", "gh_ost"]},
    **dict.fromkeys(("retry_connection_minutes", "retry_other_minutes", "used_time"), NUMBER),
    "throttle_full": {"type": "dict", "options": {"qps": NUMBER, **LIMITS}},
    "throttle_incremental": {"type": "dict", "options": LIMITS},
    "alarms": {"type": "dict", "options": ALARMS},
    "instance_class": {"type": "str", "choices": ["small", "medium", "large", "xlarge", "xxlarge"]},
    "pay_type": {"type": "str", "choices": ["PostPaid", "PrePaid"], "default": "PostPaid"},
    "period": {"type": "str", "choices": ["Month", "Year"]},
    "resource_group_id": TEXT,
    "environment_tag": {"type": "str", "choices": ["normal", "online"]},
    "precheck": {"type": "str", "choices": ["before_purchase", "after_purchase"], "default": "before_purchase"},
    # Names of sides, no passwords.
    "update_password": {
        "type": "list",
        "elements": "str",
        "choices": ["source", "destination"],
        "default": [],
        "no_log": False,
    },
    "max_lag": {"type": "float", "default": 2},
    "caught_up_for": {"type": "float", "default": 0},
}


def main() -> None:
    run_migration(
        OPTIONS,
        lambda services, options: DtsMigration(
            services, read_request(options), passwords_of(options), credentials_of(options)
        ),
    )


if __name__ == "__main__":
    main()
