# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The world that is used when none is given."""

from __future__ import annotations

import json
from typing import Any

from .model import GIB
from .postgresql.binaries import preferred_major

_DAY = 86400

ACCOUNT_ONE = "1000000000000001"
ACCOUNT_TWO = "2000000000000002"
IMPORT_ROLE = "AliyunRDSImportRole"
DTS_ROLE = "AliyunDTSDefaultRole"
# A MySQL and a PostgreSQL instance of the second account, to be migrated to the first one.
MYSQL_TWO, POSTGRESQL_TWO = "rm-bp1othermysql0001", "pgm-bp1other00000001"
BUCKET_ONE = "apsara-emulator-backups"
# Made-up credentials that open nothing but the emulator.
ACCESS_KEY_ONE = ("LTAI5tApsaraEmulator0001", "emulatorSecretOfAccountOne0001")
ACCESS_KEY_TWO = ("LTAI5tApsaraEmulator0002", "emulatorSecretOfAccountTwo0002")
BEARER_TOKEN_ONE = "emulator-bearer-token-account-1"
STS_ONE = ("STS.ApsaraEmulator0001", "emulatorStsSecretOfAccountOne0001", "emulatorSecurityToken/One+0001==")
STS_EXPIRED = ("STS.ApsaraEmulator0002", "emulatorStsSecretOfAccountOne0002", "emulatorSecurityToken/Expired+0002==")


def default_document() -> dict[str, Any]:
    """A fresh copy of the document. Times in it are relative to when it is read."""
    return {
        "accounts": _accounts(),
        "instances": {**_sql_server(), **_other_engines(), **_second_account()},
        "buckets": {BUCKET_ONE: {"account_id": ACCOUNT_ONE, "region": "cn-hangzhou", "created": {"ago": 30 * _DAY}}},
    }


def _accounts() -> dict[str, Any]:
    tokens = [
        {**_key(STS_ONE[0], STS_ONE[1]), "security_token": STS_ONE[2], "expires": {"in": 365 * _DAY}},
        {**_key(STS_EXPIRED[0], STS_EXPIRED[1]), "security_token": STS_EXPIRED[2], "expires": {"ago": 3600}},
    ]
    return {
        ACCOUNT_ONE: {
            "account_id": ACCOUNT_ONE,
            "access_keys": [_key(*ACCESS_KEY_ONE)],
            "security_tokens": tokens,
            "bearer_tokens": [BEARER_TOKEN_ONE],
            "roles": {IMPORT_ROLE: _import_role(), DTS_ROLE: _dts_role()},
        },
        ACCOUNT_TWO: {
            "account_id": ACCOUNT_TWO,
            "access_keys": [_key(*ACCESS_KEY_TWO)],
            "roles": {DTS_ROLE: _dts_role()},
        },
    }


def _import_role() -> dict[str, Any]:
    """The trust policy of this role is not published; this one is an assumption."""
    statement = {"Action": "sts:AssumeRole", "Effect": "Allow", "Principal": {"Service": ["rds.aliyuncs.com"]}}
    return {
        "description": "lets the database service read backup files",
        "trust_policy": json.dumps({"Statement": [statement], "Version": "1"}),
        "created": {"ago": 60 * _DAY},
    }


def _dts_role() -> dict[str, Any]:
    """What an account has that has used DTS before."""
    statement = {"Action": "sts:AssumeRole", "Effect": "Allow", "Principal": {"Service": ["dts.aliyuncs.com"]}}
    return {
        "description": "lets DTS work with the account's databases",
        "trust_policy": json.dumps({"Statement": [statement], "Version": "1"}),
        "created": {"ago": 60 * _DAY},
        "policies": ["System/AliyunDTSRolePolicy"],
    }


def _key(key_id: str, secret: str) -> dict[str, str]:
    return {"access_key_id": key_id, "access_key_secret": secret}


def _sql_server() -> dict[str, Any]:
    sizes = {"sales": 60, "crm": 25, "hr": 5, "archive": 30}
    return {
        "rm-bp1sqlsource00001": {
            **_instance("SQLServer", "2019_std_ha", 500, sizes),
            "instance_class": "mssql.x4.large.e2",
            "description": "source of the rehearsals",
            "accounts": [
                {"name": "migrator", "type": "Super"},
                {"name": "app", "privileges": {"sales": "ReadWrite", "crm": "ReadOnly"}},
            ],
            "backups": _daily_backups(120 * GIB),
        },
        "rm-bp1sqltarget00001": {
            **_instance("SQLServer", "2019_std_ha", 1000, {"warehouse": 10}),
            "instance_class": "mssql.x4.large.e2",
            "description": "target of the rehearsals",
            "accounts": [{"name": "migrator", "type": "Super"}],
        },
        "rm-bp1sqlsmall000001": {
            **_instance("SQLServer", "2017_ent", 50, {"ledger": 45}),
            "category": "AlwaysOn",
            "class_type": "x",
            "instance_class": "mssql.s2.large.c2",
        },
    }


def _other_engines() -> dict[str, Any]:
    # Of the version for which this computer has server programs.
    version = f"{preferred_major() or 15}.0"
    return {
        "rm-bp1mysql00000001": {**_instance("MySQL", "8.0", 200, {"shop": 20}), "accounts": _migrator()},
        "pgm-bp1source0000001": _instance("PostgreSQL", version, 200, {"app": 20}),
        "pgm-bp1target0000001": _instance("PostgreSQL", version, 200, {}),
    }


def _second_account() -> dict[str, Any]:
    here = {**_instance("SQLServer", "2019_std_ha", 200, {"foreign": 10}), "account_id": ACCOUNT_TWO}
    version = f"{preferred_major() or 15}.0"
    mysql = {**_instance("MySQL", "8.0", 200, {"orders": 6, "stock": 2}), "account_id": ACCOUNT_TWO}
    postgresql = {**_instance("PostgreSQL", version, 200, {"crm": 4}), "account_id": ACCOUNT_TWO}
    return {
        MYSQL_TWO: {**mysql, "accounts": _migrator()},
        POSTGRESQL_TWO: {**postgresql, "accounts": _migrator()},
        "rm-bp1othersql000001": here,
        "rm-uf6othersql00001": {
            **here,
            "region": "cn-shanghai",
            "zone": "cn-shanghai-b",
            "vpc_id": "vpc-uf6emulator000001",
        },
    }


def _migrator() -> list[dict[str, Any]]:
    return [{"name": "migrator", "type": "Super", "description": "for DTS"}]


_CHARACTER_SETS = {"SQLServer": "Chinese_PRC_CI_AS", "MySQL": "utf8mb4", "PostgreSQL": "UTF8"}
_PORTS = {"SQLServer": "1433", "MySQL": "3306", "PostgreSQL": "5432"}


def _instance(engine: str, version: str, storage_gb: int, sizes_gb: dict[str, int]) -> dict[str, Any]:
    character_set = _CHARACTER_SETS[engine]
    return {
        "account_id": ACCOUNT_ONE,
        "engine": engine,
        "engine_version": version,
        "region": "cn-hangzhou",
        "zone": "cn-hangzhou-h",
        "vpc_id": "vpc-bp1emulator000001",
        "vswitch_id": "vsw-bp1emulator000001",
        "storage_gb": storage_gb,
        "collation": character_set if engine == "SQLServer" else "",
        "created": {"ago": 90 * _DAY},
        "port": _PORTS[engine],
        "databases": {name: {"size": size * GIB, "character_set": character_set} for name, size in sizes_gb.items()},
        "whitelist": [{"name": "default", "addresses": ["10.0.0.0/8"]}],
    }


def _daily_backups(size: int) -> list[dict[str, Any]]:
    """A full backup a day for a week; the newest ended 20 minutes ago."""
    return [
        {
            "id": str(321020562 + 7 - day),
            "start": {"ago": day * _DAY + 40 * 60},
            "end": {"ago": day * _DAY + 20 * 60},
            "size": size,
        }
        for day in range(7)
    ]
