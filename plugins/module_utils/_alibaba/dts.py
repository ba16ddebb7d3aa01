# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is private to the collection.

"""The operations of DTS that migrations use, and what there is to know about its jobs.

Traps that end here: a refusal may come with HTTP 200; the id of an instance has three spellings; engine names are
spelled per call; a status of `Suspending` means paused; `Success` and numbers may be texts; a migration's phases are
told by the list call only. Facts: SDK models of DTS 2020-01-01, pages of the actions.
"""

from __future__ import annotations

from .rpc import Service

DTS = Service(
    name="dts",
    version="2020-01-01",
    reads=frozenset(
        {
            "DescribeDTSIP",
            "DescribeDtsJobDetail",
            "DescribeDtsJobs",
            "DescribeJobMonitorRule",
            "DescribePreCheckStatus",
        }
    ),
    forms={
        "ConfigureDtsJob": frozenset({"DbList", "Reserve"}),
        "ModifyDtsJob": frozenset(
            {"DbList", "EtlOperatorColumnReference", "FilterTableName", "ModifyTypeEnum", "Reserved"}
        ),
    },
    tells_success=True,
)

# Regions that share the central endpoint; every other region has dts.<region>.aliyuncs.com (the SDK's map).
_CENTRAL = frozenset(
    "cn-qingdao cn-beijing cn-zhangjiakou cn-huhehaote cn-hangzhou cn-shanghai cn-shenzhen cn-hongkong cn-chengdu"
    " cn-fujian cn-wuhan cn-wulanchabu ap-southeast-1 ap-southeast-2 ap-southeast-3 ap-southeast-5 ap-south-1"
    " eu-west-1 eu-central-1 us-west-1 us-east-1 me-east-1 cn-hangzhou-finance cn-shanghai-finance-1"
    " cn-shenzhen-finance-1 cn-beijing-finance-1 cn-north-2-gov-1 cn-beijing-gov-1".split()
)


def default_endpoint(region: str) -> str:
    """The SDK's rule; dts.aliyuncs.com where no region is given."""
    return "dts.aliyuncs.com" if not region or region in _CENTRAL else f"dts.{region}.aliyuncs.com"
