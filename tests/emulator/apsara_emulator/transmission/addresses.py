# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""White lists: whether DTS may connect to an instance."""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING

from ..model import Instance, Whitelist
from .ends import CLOUD_TYPES
from .model import DtsEndpoint

if TYPE_CHECKING:
    from ..world import World

WHITELIST_NAME = "dts"


def address_problem(world: World, instance: Instance, endpoint: DtsEndpoint) -> str:
    """Why DTS is not let in; empty if it is. It may put itself on the list of an instance of the cloud."""
    missing = [one for one in world.state.dts_servers if not _is_allowed(instance, one)]
    if missing and endpoint.type in CLOUD_TYPES and world.variants["dts_whitelist"] == "added":
        groups = [one for one in instance.whitelist if one.name != WHITELIST_NAME]
        instance.whitelist = [*groups, Whitelist(WHITELIST_NAME, list(world.state.dts_servers))]
        return ""
    return f"{instance.id} refuses connections from {', '.join(missing)}" if missing else ""


def _is_allowed(instance: Instance, addresses: str) -> bool:
    wanted = ipaddress.ip_network(addresses, strict=False)
    for text in (address for group in instance.whitelist for address in group.addresses):
        try:
            known = ipaddress.ip_network(text, strict=False)
        except ValueError:
            continue
        if known.version == wanted.version and wanted.subnet_of(known):  # type: ignore[arg-type]  # same version
            return True
    return False
