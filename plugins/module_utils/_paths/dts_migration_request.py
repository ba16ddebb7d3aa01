# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is private to the collection.

"""What a task wants of a DTS migration: its options, judged before anything is read."""

from __future__ import annotations

import json
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

from .._alibaba.dts_model import FULL, SCHEMA, End
from .._alibaba.dts_settings import reserve, short_retries
from .._failure import broken_texts, refuse_options
from .._waiting import Patience

CONFIGURED, PRECHECKED, RUNNING, CAUGHT_UP = "configured", "prechecked", "running", "caught_up"
SUSPENDED, STOPPED, ABSENT = "suspended", "stopped", "absent"
# One leads to the next.
FORWARD = (CONFIGURED, PRECHECKED, RUNNING, CAUGHT_UP)
SIDES = ("source", "destination")
# What the module calls a way to reach a database, and what ConfigureDtsJob does.
ACCESS = {
    "rds": "RDS",
    "public": "OTHER",
    "ecs": "ECS",
    "express_connect": "EXPRESS",
    "cen": "CEN",
    "database_gateway": "DG",
}
# Free of charge; incremental migration is not.
USUAL_KINDS = frozenset({SCHEMA, FULL})
USUAL_PAY_TYPE = "PostPaid"


class Endpoint(NamedTuple):
    """One side as the task wants it. account_id, role: of the account that owns it, if that is another one.

    extra: vSwitches, by the service's parameter. Empty where nothing was given.
    """

    engine: str
    access: str
    instance_id: str
    region: str
    host: str = ""
    port: str = ""
    database: str = ""
    account: str = ""
    account_id: str = ""
    role: str = ""
    has_password: bool = False
    ssl: bool | None = None
    extra: Mapping[str, str] = MappingProxyType({})

    def __str__(self) -> str:
        return self.instance_id if self.is_rds else f"{self.host}:{self.port}"

    @property
    def is_rds(self) -> bool:
        return self.access == "rds"

    def is_same(self, told: End) -> bool:
        """Whether a job's side is this one. Databases count where both are named (PostgreSQL, SQL Server)."""
        if self.database and told.database and self.database != told.database:
            return False
        if self.is_rds:
            return told.instance_id == self.instance_id
        # Networks of two VPCs may use the same addresses.
        if self.access != "public" and told.instance_id and told.instance_id != self.instance_id:
            return False
        return (told.host or "").casefold() == self.host.casefold() and told.port == self.port


class Alarms(NamedTuple):
    """delay: seconds, 0 for none. None: not asked for."""

    delay: int | None = None
    error: bool | None = None
    delay_phones: str = ""
    error_phones: str = ""


class Request(NamedTuple):
    """objects: the DbList, None if none was given. raw_objects: it was given in the service's own form.

    settings: keys of Reserve that were asked for. kinds: None if not asked for. max_lag in milliseconds, caught_up_for
    in seconds.
    job: further parameters of ConfigureDtsJob. purchase: parameters of CreateDtsInstance. precheck_first: nothing is
    bought before the precheck passed. update_password: the sides whose password is sent again. hints: what is allowed
    and not advised.
    """

    name: str
    state: str
    region: str
    source: Endpoint
    destination: Endpoint
    objects: Mapping[str, Any] | None = None
    raw_objects: bool = False
    settings: Mapping[str, Any] = MappingProxyType({})
    kinds: frozenset[str] | None = None
    job: Mapping[str, Any] = MappingProxyType({})
    purchase: Mapping[str, Any] = MappingProxyType({})
    alarms: Alarms = Alarms()
    precheck_first: bool = True
    update_password: frozenset[str] = frozenset()
    max_lag: int = 2000
    caught_up_for: float = 0.0
    accept: frozenset[str] = frozenset()
    enforce: bool = True
    settle: float = 60.0
    wait: bool = True
    patience: Patience = Patience(timeout=21600.0, interval=15.0)
    weak_secrets: tuple[str, ...] = ()
    hints: tuple[str, ...] = ()

    @property
    def target(self) -> str:
        """What one-way steps are confirmed with."""
        return str(self.destination)

    @property
    def wanted_kinds(self) -> frozenset[str]:
        return self.kinds if self.kinds is not None else USUAL_KINDS

    def side(self, name: str) -> Endpoint:
        return self.source if name == "source" else self.destination

    def with_side(self, name: str, end: Endpoint) -> Request:
        return self._replace(source=end) if name == "source" else self._replace(destination=end)


def passwords_of(options: Mapping[str, Any]) -> dict[str, str]:
    return {side: options[side].get("password") or "" for side in SIDES}


def read_request(options: Mapping[str, Any]) -> Request:
    """The module's options as a Request. Raises BadRequest with everything that is wrong at once."""
    from .dts_migration_options import all_problems

    refuse_options(broken_texts(options))
    source, destination = (_endpoint(options[side], side) for side in SIDES)
    problems = all_problems(options, source, destination)
    refuse_options(problems)
    return Request(
        name=options["name"].strip(),
        state=options["state"],
        region=(options.get("region") or "").strip() or destination.region or source.region,
        source=source,
        destination=destination,
        objects=_objects(options),
        raw_objects=options.get("db_list") is not None,
        settings=reserve(options),
        kinds=frozenset(options["migration_types"]) if options.get("migration_types") else None,
        job=_job_parameters(options),
        purchase=_purchase(options),
        alarms=_alarms(options.get("alarms") or {}),
        precheck_first=options["precheck"] == "before_purchase",
        update_password=frozenset(options["update_password"]),
        max_lag=round(options["max_lag"] * 1000),
        caught_up_for=options["caught_up_for"],
        accept=frozenset(options["accept"]),
        enforce=options["preflight"] == "enforce",
        settle=options["settle"],
        wait=options["wait"],
        patience=Patience(options["wait_timeout"], options["poll_interval"]),
        weak_secrets=_weak_secrets(options),
        hints=tuple(short_retries(options)),
    )


def _endpoint(given: Mapping[str, Any], side: str) -> Endpoint:
    def text(name: str) -> str:
        return str(given.get(name) or "").strip()

    prefix = "Src" if side == "source" else "Dest"
    extra = {
        f"{prefix}PrimaryVswId": text("primary_vswitch_id"),
        f"{prefix}SecondaryVswId": text("secondary_vswitch_id"),
        "SourceEndpointVSwitchID": text("vswitch_id"),
    }
    return Endpoint(
        engine=given["engine"],
        access=given["access"],
        instance_id=text("instance_id"),
        region=text("region"),
        host=text("host"),
        port=text("port"),
        database=text("database"),
        account=text("account"),
        account_id=text("account_id"),
        role=text("role"),
        has_password=bool(given.get("password")),
        ssl=given.get("ssl"),
        extra={key: value for key, value in extra.items() if value},
    )


def _objects(options: Mapping[str, Any]) -> Mapping[str, Any] | None:
    if options.get("db_list") is not None:
        return dict(options["db_list"])
    if options.get("objects") is None:
        return None
    from .._alibaba.dts_objects import db_list

    return db_list(options["objects"])


def _job_parameters(options: Mapping[str, Any]) -> dict[str, Any]:
    check = options.get("data_check")
    found = {
        "DedicatedClusterId": options.get("dedicated_cluster_id"),
        "DtsBisLabel": options.get("environment_tag"),
        "ResourceGroupId": options.get("resource_group_id"),
        "DataCheckConfigure": json.dumps(check, sort_keys=True) if check else None,
        "Checkpoint": options.get("checkpoint"),
    }
    return {key: value for key, value in found.items() if value not in (None, "")}


def _purchase(options: Mapping[str, Any]) -> dict[str, Any]:
    prepaid = options["pay_type"] == "PrePaid"
    found = {
        "PayType": options["pay_type"],
        "Period": options.get("period") if prepaid else None,
        "UsedTime": options.get("used_time") if prepaid else None,
        "AutoPay": options.get("auto_renew") if prepaid else None,
        "InstanceClass": options.get("instance_class"),
        "ResourceGroupId": options.get("resource_group_id"),
    }
    return {key: value for key, value in found.items() if value not in (None, "")}


def _alarms(given: Mapping[str, Any]) -> Alarms:
    return Alarms(
        given.get("delay_seconds"),
        given.get("error"),
        ",".join(given.get("delay_phones") or []),
        ",".join(given.get("error_phones") or []),
    )


def _weak_secrets(options: Mapping[str, Any]) -> tuple[str, ...]:
    """Ansible masks a password wherever it occurs, also in names and ids that it is a part of."""
    shown = [options["name"], *(str(options[side].get(k) or "") for side in SIDES for k in ("instance_id", "account"))]
    shown += [str(options.get("objects") or ""), "database instance migration"]
    return tuple(
        side
        for side, password in passwords_of(options).items()
        if password and (len(password) < 8 or any(password in text for text in shown))
    )
