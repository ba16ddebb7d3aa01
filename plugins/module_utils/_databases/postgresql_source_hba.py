# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is private to the collection.

"""Whether pg_hba.conf lets the target in. Pure: works on the lines as the server shows them.

The server takes the first line that matches, so a rejection above an admission decides. The target's address is known
as a network only; a line counts for it when it covers the whole network.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable

from .._plan import FAIL, PASS, UNKNOWN, WARN, Check
from .postgresql_source import HbaRule

_WITH_PASSWORD = ("md5", "scram-sha-256", "password")
_REPLICATION = "replication"


def lines_to_add(account: str, cidr: str, *, encryption: str = "scram-sha-256") -> list[str]:
    """The two lines that the migration needs (prerequisites of the service), for the top of pg_hba.conf."""
    user = '"' + account.replace('"', '""') + '"'
    return [f"host {database} {user} {cidr} {encryption}" for database in ("all", _REPLICATION)]


def hba_checks(rules: tuple[HbaRule, ...] | None, account: str, cidr: str | None) -> list[Check]:
    """One check for connections to databases, one for replication."""
    return [_check(rules, account, cidr, database) for database in ("all", _REPLICATION)]


def _check(rules: tuple[HbaRule, ...] | None, account: str, cidr: str | None, database: str) -> Check:
    name = "hba_replication" if database == _REPLICATION else "hba_databases"
    if cidr is None:
        return Check(name, UNKNOWN, "The network of the target is not given.", "Set target_cidr.")
    line = lines_to_add(account, cidr)[database == _REPLICATION]
    remedy = f"Put this line at the top of pg_hba.conf, then SELECT pg_reload_conf(): {line}"
    if rules is None:
        return Check(name, UNKNOWN, "The account may not read pg_hba_file_rules.", remedy)
    broken = [f"line {rule.line}: {rule.error}" for rule in rules if rule.error]
    if broken:
        detail = f"The server cannot use pg_hba.conf: {'; '.join(broken[:5])}."
        return Check(name, FAIL, detail, "Correct these lines, then SELECT pg_reload_conf().")
    return _judge(name, rules, account, ipaddress.ip_network(cidr, strict=False), database, remedy)


def _judge(
    name: str,
    rules: Iterable[HbaRule],
    account: str,
    target: ipaddress.IPv4Network | ipaddress.IPv6Network,
    database: str,
    remedy: str,
) -> Check:
    doubts = []
    for rule in rules:
        covers = _covers(rule, target)
        if covers is False or not _about(rule.databases, database, of_databases=True):
            continue
        about = _about(rule.users, account, of_databases=False)
        if not about and not any(user.startswith(("+", "/")) for user in rule.users):
            continue
        if covers is None or not about:
            # Part of the network, a host name, or members of a role: whether it matches is decided later.
            doubts.append(f"line {rule.line} ({rule.method})")
            continue
        return _verdict(name, rule, target, doubts, remedy)
    detail = f"No line of pg_hba.conf lets {account} in from {target}" + _said(doubts) + "."
    return Check(name, UNKNOWN if doubts else FAIL, detail, remedy)


def _verdict(
    name: str, rule: HbaRule, target: ipaddress.IPv4Network | ipaddress.IPv6Network, doubts: list[str], remedy: str
) -> Check:
    where = f"line {rule.line} of pg_hba.conf ({rule.type}, {rule.method})"
    if rule.method == "reject":
        return Check(name, FAIL, f"{where} rejects {target}.", remedy)
    if doubts:
        return Check(name, WARN, f"{where} admits {target}, but others stand above it{_said(doubts)}.", remedy)
    if rule.method not in (*_WITH_PASSWORD, "trust"):
        return Check(name, FAIL, f"{where} asks for something else than a password.", remedy)
    if rule.method == "trust":
        return Check(name, WARN, f"{where} admits {target} without a password.", remedy)
    return Check(name, PASS, f"{where} admits {target}")


def _about(names: tuple[str, ...], name: str, *, of_databases: bool) -> bool:
    """The word `all` stands for every user and every database, but not for replication."""
    if of_databases and name == _REPLICATION:
        return _REPLICATION in names
    return "all" in names or (not of_databases and name in names)


def _covers(rule: HbaRule, target: ipaddress.IPv4Network | ipaddress.IPv6Network) -> bool | None:
    """Whether a line is about the whole network; None, when it is about a part of it, or that cannot be told."""
    if rule.type == "local":
        return False
    if rule.address == "all":
        return True
    if rule.address in ("samehost", "samenet") or not rule.address:
        return None
    network: ipaddress.IPv4Network | ipaddress.IPv6Network | None
    try:
        network = ipaddress.ip_network(f"{rule.address}/{rule.netmask}" if rule.netmask else rule.address, strict=False)
    except ValueError:
        # IPv6 comes with a netmask in colons; a host name is none at all.
        network = _network6(rule)
        if network is None:
            return None
    if network.version != target.version or not network.overlaps(target):
        return False
    return None if network.prefixlen > target.prefixlen else True


def _network6(rule: HbaRule) -> ipaddress.IPv6Network | None:
    try:
        length = bin(int(ipaddress.IPv6Address(rule.netmask or ""))).count("1")
        return ipaddress.IPv6Network(f"{rule.address}/{length}", strict=False)
    except ValueError:
        return None


def _said(doubts: list[str]) -> str:
    return f"; what these do cannot be told: {', '.join(doubts[:5])}" if doubts else ""
