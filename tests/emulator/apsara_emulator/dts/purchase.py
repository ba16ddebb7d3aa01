# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What costs money. None of these actions is idempotent."""

from __future__ import annotations

from ..clock import utc_text
from ..documents import Instant
from ..registry import Answer, Call
from ..transmission.model import DtsJob, DtsOrder
from ..transmission.progress import begin_phases, begin_precheck, new_id, note
from ..world import World
from .answers import dts_action, refusal
from .lookup import find_job

CLASSES = {
    "MIGRATION": ("small", "medium", "large", "xlarge", "xxlarge"),
    "SYNC": ("micro", "small", "medium", "large"),
}
_ENGINES = ("MySQL", "PostgreSQL", "MSSQL", "SQLServer", "MariaDB", "PolarDB", "oracle")
_USED_TIMES = {"Month": range(1, 10), "Year": (1, 2, 3, 5)}
_DAYS = {"Month": 30, "Year": 365}


@dts_action("CreateDtsInstance", mutating=True)
def create_dts_instance(world: World, call: Call) -> Answer:
    """Buy an instance: a new one that is to be configured, or for a configured job (JobId)."""
    _require_payment(world, call.text("PayType"), call.text("Period"), call.text("UsedTime"))
    if call.text("Quantity") not in ("", "1"):
        raise refusal(world, "bad_dts_parameter", "Quantity is %s.", "1")
    job = _configured(world, call) if call.text("JobId") else _new(world, call)
    kind = job.type
    if call.text("InstanceClass") and call.text("InstanceClass") not in CLASSES.get(kind, ()):
        raise refusal(world, "bad_dts_parameter", "InstanceClass is one of %s.", ", ".join(CLASSES[kind]))
    if call.flag("AutoStart") and not call.text("JobId"):
        raise refusal(world, "bad_dts_parameter", "%s is for configured jobs.", "AutoStart")
    _pay(world, call, job)
    if job not in world.state.dts_jobs:
        world.state.dts_jobs.append(job)
    if call.flag("AutoStart") and job.status in ("NotStarted", "PrecheckFailed"):
        begin_precheck(world, job, goes_on=True)
    elif call.flag("AutoStart") and job.status == "PreCheckPass":
        begin_phases(world, job, world.clock.now())
    elif call.flag("AutoStart") and job.status == "Prechecking":
        job.goes_on = True
    return {"InstanceId": job.instance_id, "JobId": job.id}


@dts_action("TransferPayType", mutating=True)
def transfer_pay_type(world: World, call: Call) -> Answer:
    """Subscription instead of pay-as-you-go, or the other way round."""
    job, charge = _paid_job(world, call), call.text("ChargeType")
    if charge not in ("PREPAY", "POSTPAY"):
        raise refusal(world, "bad_dts_parameter", "ChargeType is %s.", "PREPAY or POSTPAY")
    pay_type = "PrePaid" if charge == "PREPAY" else "PostPaid"
    if job.pay_type == pay_type:
        raise refusal(world, "bad_dts_parameter", "The job is %s already.", pay_type)
    _require_payment(world, pay_type, call.text("Period"), call.text("BuyCount"))
    job.pay_type = pay_type
    job.expires = _end_of(world.clock.now(), pay_type, call.text("Period"), call.text("BuyCount"))
    return _order(world, job, "pay_type", call.text("Period"), call.text("BuyCount"))


@dts_action("TransferInstanceClass", mutating=True)
def transfer_instance_class(world: World, call: Call) -> Answer:
    """Another class."""
    job, wanted = _paid_job(world, call), call.text("InstanceClass")
    known = CLASSES.get(job.type, ())
    if wanted not in known or call.text("OrderType") not in ("UPGRADE", "DOWNGRADE"):
        raise refusal(world, "bad_dts_parameter", "InstanceClass is one of %s.", ", ".join(known))
    if job.instance_class in known:
        larger = known.index(wanted) - known.index(job.instance_class)
        if (larger > 0) is not (call.text("OrderType") == "UPGRADE") or larger == 0:
            raise refusal(world, "bad_dts_parameter", "The class is %s now.", job.instance_class)
    job.instance_class = wanted
    return _order(world, job, "class", "", "")


@dts_action("RenewInstance", mutating=True)
def renew_instance(world: World, call: Call) -> Answer:
    """A subscription for longer."""
    job = _paid_job(world, call)
    if job.pay_type != "PrePaid" or call.text("ChargeType") != "PREPAY":
        raise refusal(world, "bad_dts_parameter", "The job is %s.", job.pay_type)
    period, count = call.text("Period") or "Month", call.text("BuyCount") or "1"
    _require_payment(world, "PrePaid", period, count)
    job.expires = _end_of(job.expires or world.clock.now(), "PrePaid", period, count)
    return _order(world, job, "renew", period, count)


def _configured(world: World, call: Call) -> DtsJob:
    mine = [one for one in world.state.dts_jobs if (one.account_id, one.id) == (call.account_id, call.text("JobId"))]
    if not mine:
        raise refusal(world, "job_not_found", "There is no job or instance %s.", call.text("JobId")[:64])
    job = mine[0]
    if job.status == "Finished":
        raise refusal(world, "wrong_job_status", "The status of the job does not allow this: %s.", job.status)
    if job.paid and world.variants["second_purchase"] != "buys":
        raise refusal(world, "second_purchase", "The job %s is paid for.", job.id)
    if not job.paid and world.variants["purchase_instance_id"] == "new":
        job.instance_id = f"dts{new_id(world)}"
    return job


def _new(world: World, call: Call) -> DtsJob:
    """An instance that is not configured yet."""
    kind = call.text("Type")
    if kind not in CLASSES:
        raise refusal(world, "bad_dts_parameter", "Type is one of %s here.", ", ".join(CLASSES))
    if not call.text("SourceRegion") or not call.text("DestinationRegion"):
        raise refusal(world, "bad_dts_parameter", "%s are needed without JobId.", "SourceRegion and DestinationRegion")
    known = [one.lower() for one in _ENGINES] if world.variants["engine_words"] == "any_case" else list(_ENGINES)
    for name in ("SourceEndpointEngineName", "DestinationEndpointEngineName"):
        given = call.text(name) or "MySQL"
        if (given.lower() if world.variants["engine_words"] == "any_case" else given) not in known:
            raise refusal(world, "bad_dts_parameter", f"{name} is one of %s here.", ", ".join(_ENGINES))
    now = Instant(world.clock.now())
    job = DtsJob(new_id(world), f"dts{new_id(world)}", call.account_id, now, status="NotConfigured", type=kind)
    job.region = call.text("RegionId") or call.text("DtsRegion") or call.text("DestinationRegion")
    job.listed = Instant(now + world.lasting(world.variants.seconds("dts_list_lag")))
    return job


def _pay(world: World, call: Call, job: DtsJob) -> None:
    """Note the order. A second one for a job is another instance, which nobody wanted."""
    now, again = world.clock.now(), job.paid
    period, used = call.text("Period"), call.text("UsedTime")
    job.paid, job.pay_type = True, call.text("PayType")
    job.instance_class = call.text("InstanceClass") or job.instance_class or "medium"
    job.resource_group = call.text("ResourceGroupId") or job.resource_group
    job.expires = _end_of(now, job.pay_type, period, used)
    _order(world, job, "buy", period, used)
    if again:
        world.state.dts_orders[-1].instance_id = f"dts{new_id(world)}"
    note(job, now, "bought")


def _order(world: World, job: DtsJob, kind: str, period: str, count: str) -> Answer:
    """Note that money was spent. The answer of the changing actions."""
    order = DtsOrder(kind, job.account_id, job.instance_id, job.id, Instant(world.clock.now()))
    order.pay_type, order.instance_class, order.period = job.pay_type, job.instance_class, period
    order.used_time = int(count or 0)
    order.incremental = job.incremental if job.status != "NotConfigured" else None
    world.state.dts_orders.append(order)
    answer: Answer = {"DtsJobId": job.id, "InstanceId": job.instance_id, "ChargeType": job.pay_type}
    return answer | ({"EndTime": utc_text(job.expires)} if job.expires is not None else {})


def _paid_job(world: World, call: Call) -> DtsJob:
    job = find_job(world, call)
    if not job.paid or job.status == "Finished":
        raise refusal(world, "not_modifiable", "The status of the job does not allow this: %s.", job.status)
    return job


def _require_payment(world: World, pay_type: str, period: str, count: str) -> None:
    if pay_type not in ("PrePaid", "PostPaid"):
        raise refusal(world, "bad_dts_parameter", "PayType is %s.", "PrePaid or PostPaid")
    is_known = period in _USED_TIMES and count.isdecimal() and int(count) in _USED_TIMES[period]
    if pay_type == "PrePaid" and not is_known:
        raise refusal(world, "bad_dts_parameter", "%s needs Period and a time.", "PrePaid")


def _end_of(moment: float, pay_type: str, period: str, count: str) -> Instant | None:
    if pay_type != "PrePaid":
        return None
    return Instant(moment + _DAYS[period] * int(count) * 86400)
