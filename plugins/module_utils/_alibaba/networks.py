# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is private to the collection.

"""White lists: which addresses they hold."""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence


def is_within(network: str, allowed: Sequence[str]) -> bool:
    """Whether all addresses of a network are on a white list."""
    wanted = ipaddress.ip_network(network, strict=False)
    known = [ipaddress.ip_network(text, strict=False) for text in allowed if is_network(text)]
    same = [network for network in known if network.version == wanted.version]
    return any(wanted.subnet_of(network) for network in same)  # type: ignore[arg-type]  # both of one version


def is_network(text: str) -> bool:
    try:
        ipaddress.ip_network(text, strict=False)
    except ValueError:
        return False
    return True
