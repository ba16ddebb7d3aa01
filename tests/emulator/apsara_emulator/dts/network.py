# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Where DTS connects from."""

from __future__ import annotations

from ..registry import Answer, Call
from ..world import World
from .answers import dts_action, refusal


@dts_action("DescribeDTSIP", mutating=False)
def describe_dtsip(world: World, call: Call) -> Answer:
    """The addresses, as a text in DynamicMessage."""
    known = {one.region for one in world.state.regions}
    for name in ("SourceEndpointRegion", "DestinationEndpointRegion"):
        if call.text(name) and call.text(name) not in known:
            raise refusal(world, "bad_dts_parameter", "There is no region %s.", call.text(name)[:64])
    separator = "," if world.variants["dts_addresses"] == "commas" else "\n"
    return {"DynamicMessage": separator.join(world.state.dts_servers)}


@dts_action("WhiteIpList", mutating=False)
def white_ip_list(world: World, call: Call) -> Answer:
    """The addresses for each side."""
    if call.text("Type") not in ("internet", "vpc"):
        raise refusal(world, "bad_dts_parameter", "Type is %s.", "internet or vpc")
    addresses = ",".join(world.state.dts_servers)
    return {"IpList": addresses, "SrcIpList": addresses, "DestIpList": addresses}
