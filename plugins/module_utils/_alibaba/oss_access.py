# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is private to the collection.

"""The OSS client of a task. Beside services.py, so that modules that only call actions do not carry it along."""

from __future__ import annotations

from .connection import endpoint_url
from .errors import Misconfigured
from .oss import OssClient
from .oss_model import default_endpoint, region_of_endpoint
from .oss_session import new_pool
from .services import Services


def oss_client(services: Services, region: str = "") -> OssClient:
    """A client for the region of the options, of the profile, or of the endpoint's name.

    region: one that was learnt meanwhile, such as an instance's; the options' region comes first. Raises Misconfigured
    where no region is known: requests to OSS are signed for one.
    """
    given = services.options.get("oss_endpoint") or ""
    region = services.region() or region or region_of_endpoint(given)
    if not region:
        raise Misconfigured(
            "The region of the bucket is not known, and requests to OSS are signed for a region.",
            code="region_missing",
            remedy="Set region, for example cn-hangzhou.",
        )
    return OssClient(
        endpoint_url(given or default_endpoint(region), "oss_endpoint"),
        region,
        services.credentials,
        services.session(new_pool),
        read_only=services.read_only,
        trust=services.trust,
        clock=services.clock,
        log=services.log,
    )
