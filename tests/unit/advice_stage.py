# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Sources and targets to ask the advice about, what was seen of them, and a case for each rule."""

from __future__ import annotations

from ansible_collections.apsaradb.migration.plugins.plugin_utils._advice import advice_of
from ansible_collections.apsaradb.migration.plugins.plugin_utils._advice_rule import (
    BACKUPS,
    CLOUD,
    DTS,
    IMPORT,
    PATHS,
)
from hypothesis import strategies as st

GIB = 1024**3
SQL_RDS = {"kind": "rds", "engine": "SQLServer", "version": "2019_std_ha", "instance_id": "rm-1"}
SQL_OWN = {"kind": "self_managed", "engine": "SQLServer", "version": "2019"}
PG_RDS = {"kind": "rds", "engine": "PostgreSQL", "version": "15.0", "instance_id": "pgm-1"}
PG_OWN = {"kind": "self_managed", "engine": "PostgreSQL", "version": "15"}
MY_RDS = {"kind": "rds", "engine": "MySQL", "version": "8.0", "instance_id": "rm-1"}
SQL = {"engine": "SQLServer", "version": "2019_std_ha", "instance_id": "rm-2"}
PG = {"engine": "PostgreSQL", "version": "15.0", "instance_id": "pgm-2"}
MY = {"engine": "MySQL", "version": "8.0", "instance_id": "rm-2"}
OF_ANOTHER_ACCOUNT = {"account_id": "1000000000000001"}
NOT_FOUND = {"changed": False, "msg": "There is no such instance.", "error": {"code": "instance_not_found"}}


def ask(source, target, wishes=None, seen=None, looks=()):
    return advice_of(source, target, wishes or {}, seen or {}, looks)


def of(told, path):
    return next(one for one in told["paths"] if one["path"] == path)


def fits(told):
    return {one["path"]: one["fits"] for one in told["paths"]}


def instance(**told):
    return {"changed": False, "instance": {"databases": [], "storage": {}, **told}}


def backup(**told):
    return {"type": "full", "database": "sales", "software_version": "15.0.2000", "required_storage": GIB, **told}


def backups(*sets):
    return {"backups": {"changed": False, "backup_sets": list(sets)}}


# By rule: source, target, wishes, seen, and the way that it decides about.
CASES = {
    "engine_unknown": ({"kind": "self_managed"}, PG, {}, {}, CLOUD),
    "target_unknown": (PG_OWN, {}, {}, {"target": NOT_FOUND}, CLOUD),
    "same_instance": (PG_RDS, {**PG, "instance_id": "pgm-1"}, {}, {}, DTS),
    "not_sql_server": (PG_OWN, PG, {}, {}, BACKUPS),
    "not_postgresql": (MY_RDS, MY, {}, {}, CLOUD),
    "target_not_sql_server": ({"kind": "rds", "engine": "SQLServer"}, MY, {}, {}, IMPORT),
    "target_not_postgresql": (PG_OWN, MY, {}, {}, CLOUD),
    "engines_differ": ({**MY_RDS, **OF_ANOTHER_ACCOUNT}, PG, {}, {}, DTS),
    "too_little_storage": ({**PG_OWN, "size_gb": 50}, PG, {}, {"target": instance(storage={"free": 40 * GIB})}, CLOUD),
    "import_from_self_managed": (SQL_OWN, SQL, {}, {}, IMPORT),
    "import_between_accounts": ({**SQL_RDS, **OF_ANOTHER_ACCOUNT}, SQL, {}, {}, IMPORT),
    "import_account_unknown": (SQL_RDS, SQL, {}, {"source": NOT_FOUND}, IMPORT),
    "import_between_regions": ({**SQL_RDS, "region": "cn-beijing"}, {**SQL, "region": "cn-hangzhou"}, {}, {}, IMPORT),
    "import_of_2008": ({**SQL_RDS, "version": "08r2_ent_ha"}, {**SQL, "version": "2008r2_ent_ha"}, {}, {}, IMPORT),
    "import_between_versions": (SQL_RDS, {**SQL, "version": "2022_std_ha"}, {}, {}, IMPORT),
    "import_is_retired": (SQL_RDS, SQL, {}, {}, IMPORT),
    "backups_of_an_rds_instance": (SQL_RDS, SQL, {}, {}, BACKUPS),
    "backups_downloaded": ({**SQL_RDS, "path": "/backups"}, SQL, {}, {}, BACKUPS),
    "backup_of_a_newer_version": ({**SQL_OWN, "version": "16.0.1000"}, SQL, {}, {}, BACKUPS),
    "backup_into_a_lower_edition": ({**SQL_OWN, "version": "2019 Enterprise"}, SQL, {}, {}, BACKUPS),
    "backup_into_2008": ({**SQL_OWN, "version": "10.50.1600"}, {**SQL, "version": "2008r2"}, {}, {}, BACKUPS),
    "cloud_before_10": ({**PG_OWN, "version": "9.6"}, {**PG, "version": "9.6"}, {}, {}, CLOUD),
    "cloud_between_versions": (PG_OWN, {**PG, "version": "16.0"}, {}, {}, CLOUD),
    "cloud_onto_local_disks": (PG_OWN, PG, {}, {"target": instance(storage_type="local_ssd")}, CLOUD),
    "cloud_from_rds": (PG_RDS, PG, {}, {}, CLOUD),
    "cloud_over_cen": ({**PG_RDS, **OF_ANOTHER_ACCOUNT}, PG, {}, {}, CLOUD),
    "cloud_takes_everything": ({**PG_OWN, "databases": ["shop"]}, PG, {}, {}, CLOUD),
    "dts_from_self_managed": (PG_OWN, PG, {}, {}, DTS),
    "dts_within_an_account": (MY_RDS, MY, {}, {}, DTS),
    "dts_account_unknown": (MY_RDS, MY, {}, {"source": NOT_FOUND}, DTS),
    "dts_to_an_older_version": ({**MY_RDS, **OF_ANOTHER_ACCOUNT}, {**MY, "version": "5.7"}, {}, {}, DTS),
    "dts_of_sql_server": ({**SQL_RDS, **OF_ANOTHER_ACCOUNT}, SQL, {}, {}, DTS),
    "dts_sequences": ({**PG_RDS, **OF_ANOTHER_ACCOUNT}, PG, {}, {}, DTS),
    "no_downtime_at_all": ({**MY_RDS, **OF_ANOTHER_ACCOUNT}, MY, {"downtime": 0}, {}, DTS),
    "copy_takes_too_long": ({**SQL_RDS, "size_gb": 500}, SQL, {"downtime": 10}, {}, IMPORT),
    "copy_may_take_too_long": (SQL_RDS, SQL, {"downtime": 60}, {}, IMPORT),
    "backups_follow_each_other": ({**SQL_OWN, "size_gb": 500}, SQL, {"downtime": 30}, {}, BACKUPS),
    "no_logs_of_simple_recovery": (
        {**SQL_OWN, "size_gb": 500},
        SQL,
        {"downtime": 30},
        backups(backup(recovery_model="simple")),
        BACKUPS,
    ),
    "no_logs_on_2008": (
        {**SQL_OWN, "version": "2008 R2", "size_gb": 500},
        {**SQL, "version": "2008r2"},
        {"downtime": 30},
        {},
        BACKUPS,
    ),
    "chain_shorter_than_the_guide": ({**SQL_OWN, "size_gb": 500}, SQL, {"downtime": 4}, {}, BACKUPS),
    "switch_takes_a_while": (PG_OWN, PG, {"downtime": 1}, {}, CLOUD),
    "dts_carries_changes": ({**MY_RDS, **OF_ANOTHER_ACCOUNT}, MY, {"downtime": 30}, {}, DTS),
    "dts_waits_for_silence": ({**MY_RDS, **OF_ANOTHER_ACCOUNT}, MY, {"downtime": 1}, {}, DTS),
    "nothing_carries_back": (PG_OWN, PG, {"way_back": True}, {}, CLOUD),
    "dts_carries_back": ({**MY_RDS, **OF_ANOTHER_ACCOUNT}, MY, {"way_back": True}, {}, DTS),
    "dts_carries_back_by_hand": (MY_RDS, MY, {"way_back": True}, {}, DTS),
}


def look(path, *checks, module="a_module", **result):
    whole = {"changed": False, "verdict": "no_go", "checks": list(checks), **result}
    return {"path": path, "module": module, "result": whole}


def check(name, status="fail", remedy="Put it right."):
    return {"name": name, "status": status, "detail": f"{name} was found.", "remedy": remedy}


_ENGINES = st.sampled_from(["SQLServer", "PostgreSQL", "MySQL", "MariaDB", ""])
_VERSIONS = st.sampled_from(["", "2008r2", "2017_ent", "2019_std_ha", "2022_web", "9.6", "13.2", "15.0", "5.7", "8.0"])
SIDES = {
    "engine": _ENGINES,
    "version": _VERSIONS,
    "region": st.sampled_from(["", "cn-hangzhou", "cn-beijing"]),
    "instance_id": st.sampled_from(["", "rm-1", "rm-2"]),
    "account_id": st.sampled_from(["", "1", "2"]),
}
SOURCES = st.fixed_dictionaries(
    {
        **SIDES,
        "kind": st.sampled_from(["rds", "self_managed"]),
        "has_credentials": st.booleans(),
        "databases": st.lists(st.text(max_size=5), max_size=3),
        "size_gb": st.sampled_from([None, 0.5, 50, 5000]),
        "path": st.sampled_from(["", "/backups"]),
    }
)
WISHES = st.fixed_dictionaries({"downtime": st.sampled_from([None, 0, 1, 4, 60, 6000]), "way_back": st.booleans()})
SEEN = st.fixed_dictionaries(
    {},
    optional={
        "source": st.sampled_from([NOT_FOUND, instance(engine="SQLServer", version="2019_std_ha")]),
        "target": st.sampled_from([NOT_FOUND, instance(storage_type="local_ssd", storage={"free": GIB})]),
        "backups": st.sampled_from([NOT_FOUND, backups(backup(recovery_model="simple"))["backups"]]),
    },
)
_CHECKS = st.builds(
    check,
    st.sampled_from(["engine", "wal_level", "instance_exists", "job_options"]),
    st.sampled_from(["pass", "warn", "fail", "unknown"]),
    st.sampled_from(["", "Put it right."]),
)
LOOKS = st.lists(
    st.one_of(
        st.builds(look, st.sampled_from(PATHS), _CHECKS, _CHECKS),
        st.builds(lambda path: look(path, verdict=None, msg="no rights"), st.sampled_from(PATHS)),
    ),
    max_size=4,
)
