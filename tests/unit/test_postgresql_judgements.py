# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is judged of PostgreSQL servers without any: rules of access, proofs, sums, verdicts, messages."""

from __future__ import annotations

import hashlib

import pytest
from ansible_collections.apsaradb.migration.plugins.module_utils._databases import postgresql_errors as errors
from ansible_collections.apsaradb.migration.plugins.module_utils._databases import postgresql_source_freeze as freeze
from ansible_collections.apsaradb.migration.plugins.module_utils._databases.comparison import Sums, shown
from ansible_collections.apsaradb.migration.plugins.module_utils._databases.postgresql_compare_differences import (
    follows,
)
from ansible_collections.apsaradb.migration.plugins.module_utils._databases.postgresql_compare_hash import (
    BLOCKS_PER_PART,
    Table,
    parts,
    statement,
)
from ansible_collections.apsaradb.migration.plugins.module_utils._databases.postgresql_compare_inventory import (
    SequenceValue,
)
from ansible_collections.apsaradb.migration.plugins.module_utils._databases.postgresql_compare_stillness import (
    Counts,
    Moment,
    doubts,
)
from ansible_collections.apsaradb.migration.plugins.module_utils._databases.postgresql_source import Facts, HbaRule
from ansible_collections.apsaradb.migration.plugins.module_utils._databases.postgresql_source_account import matches
from ansible_collections.apsaradb.migration.plugins.module_utils._databases.postgresql_source_checks import (
    Wanted,
    source_checks,
)
from ansible_collections.apsaradb.migration.plugins.module_utils._databases.postgresql_source_hba import hba_checks
from ansible_collections.apsaradb.migration.plugins.module_utils._databases.postgresql_source_settings import (
    Setting,
    _same,
)
from ansible_collections.apsaradb.migration.plugins.module_utils._paths.comparison_report import Found, verdict

CIDR = "10.1.0.0/16"
HALF = ("10.1.128.0", "255.255.128.0")


def line(number, databases="all", users="all", address="10.0.0.0", netmask="255.0.0.0", method="md5", kind="host", **k):
    return HbaRule(number, kind, (databases,), (users,), address, netmask, method, k.get("error"))


@pytest.mark.parametrize(
    ("rules", "databases", "replication"),
    [
        ([], "fail", "fail"),
        ([line(1)], "pass", "fail"),
        ([line(1), line(2, "replication")], "pass", "pass"),
        # The first line that matches decides.
        ([line(1, method="reject"), line(2)], "fail", "fail"),
        ([line(1), line(2, method="reject"), line(3, "replication")], "pass", "pass"),
        ([line(1, users="other"), line(2, "replication", "other")], "fail", "fail"),
        ([line(1, users="mig"), line(2, "replication", "mig")], "pass", "pass"),
        # One database is not all of them.
        ([line(1, "shop")], "fail", "fail"),
        # Half of the network, and what comes before the line that covers it.
        ([line(1, "all", "all", *HALF)], "unknown", "fail"),
        ([line(1, "all", "all", *HALF, method="reject"), line(2)], "warn", "fail"),
        ([line(1, users="+group")], "unknown", "fail"),
        ([line(1, address="db.example.com", netmask=None)], "unknown", "fail"),
        ([line(1, address="samenet", netmask=None)], "unknown", "fail"),
        ([line(1, address="all", netmask=None, method="trust")], "warn", "fail"),
        ([line(1, method="peer")], "fail", "fail"),
        ([line(1, kind="local", address=None, netmask=None)], "fail", "fail"),
        ([line(1, address="192.168.0.0", netmask="255.255.0.0")], "fail", "fail"),
        ([line(1, address="::", netmask="::")], "fail", "fail"),
        ([line(1, error="invalid"), line(2)], "fail", "fail"),
    ],
)
def test_who_is_let_in(rules, databases, replication):
    found = hba_checks(tuple(rules), "mig", CIDR)
    assert [check.status for check in found] == [databases, replication]
    assert all(check.remedy for check in found if check.status != "pass")


def test_a_network_of_ipv6():
    rule = line(1, address="fd00::", netmask="ffff::")
    assert hba_checks((rule,), "mig", "fd00:1::/32")[0].status == "pass"
    assert hba_checks((rule,), "mig", "fd00:1::/8")[0].status == "unknown"


FACTS = Facts(
    version=150004,
    in_recovery=False,
    settings={
        "wal_level": "logical",
        "max_wal_senders": "10",
        "max_replication_slots": "10",
        "wal_keep_size": "2048",
        "listen_addresses": "*",
        "server_version": "15.4",
    },
    senders=0,
    slots=(),
    hba=(line(1), line(2, "replication")),
    account=None,
    transactions=(),
    prepared=(),
    tablespaces=(),
    roles=("app",),
    databases=(),
)


@pytest.mark.parametrize(
    ("facts", "wanted", "name", "status"),
    [
        ({}, {}, "listen_addresses", "pass"),
        ({"settings": {**FACTS.settings, "listen_addresses": "10.0.0.5"}}, {}, "listen_addresses", "warn"),
        ({"settings": {**FACTS.settings, "listen_addresses": "localhost, ::1"}}, {}, "listen_addresses", "fail"),
        ({"settings": {}}, {}, "listen_addresses", "unknown"),
        ({"settings": {}}, {}, "wal_senders", "unknown"),
        ({"settings": {}}, {}, "wal_keep_size", "unknown"),
        ({"settings": {}}, {}, "wal_level", "fail"),
        ({"senders": 8}, {}, "wal_senders", "pass"),
        ({"senders": 9}, {}, "wal_senders", "fail"),
        ({"slots": tuple("abcdefghij")}, {}, "replication_slots", "warn"),
        ({"slots": None}, {}, "slots_not_copied", "unknown"),
        ({}, {"wal_keep_size": 2048}, "wal_keep_size", "pass"),
        ({}, {"wal_keep_size": 2049}, "wal_keep_size", "warn"),
        ({"settings": {"wal_keep_segments": "64"}}, {"wal_keep_size": 1024}, "wal_keep_size", "pass"),
        ({}, {"major": 15}, "server_version", "pass"),
        ({}, {"major": 16}, "server_version", "fail"),
        ({"version": 90600}, {"major": 9}, "server_version", "fail"),
        ({"in_recovery": True}, {}, "source_is_primary", "fail"),
        ({"transactions": ((7, "app", 299),)}, {}, "long_transactions", "pass"),
        ({"transactions": ((7, "app", 300),)}, {}, "long_transactions", "warn"),
        ({"transactions": None}, {}, "long_transactions", "unknown"),
        ({}, {"reserved_roles": ("APP",)}, "reserved_roles", "fail"),
        ({}, {"account": "mig"}, "account", "fail"),
        ({"hba": None}, {"cidr": CIDR}, "hba_databases", "unknown"),
    ],
)
def test_a_check(facts, wanted, name, status):
    found = {check.name: check for check in source_checks(FACTS._replace(**facts), Wanted(**wanted))}
    assert found[name].status == status
    assert status == "pass" or found[name].detail.endswith(".")


def test_the_same_checks_are_in_every_answer():
    names = [check.name for check in source_checks(FACTS, Wanted())]
    assert names == [check.name for check in source_checks(FACTS._replace(hba=None), Wanted(account="mig", cidr=CIDR))]
    assert len(set(names)) == len(names)


def test_passwords_fit_their_verifiers():
    # The example of RFC 7677.
    scram = (
        "SCRAM-SHA-256$4096:W22ZaJ0SNY7soEsUEjb6gQ==$WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY="
        ":wfPLwcE6nTWhTAmQ7tl2KeoiWGPlZqQxSrmfPwDl2dU="
    )
    assert matches(scram, "user", "pencil")
    digest = "md5" + hashlib.md5(b"secretapp").hexdigest()
    assert matches(digest, "app", "secret")
    assert not matches(digest, "other", "secret")
    assert not matches(digest, "app", "Secret")
    for wrong in ("", "Pencil", "pencil "):
        assert not matches(scram, "user", wrong)
    assert not matches("", "app", "")
    assert not matches("SCRAM-SHA-256$4096:!$!:!", "app", "secret")


@pytest.mark.parametrize(
    ("kind", "unit", "one", "other", "same"),
    [
        ("integer", "MB", "1GB", "1024", True),
        ("integer", "MB", "1gb", "1024", False),
        ("integer", "ms", "60s", "60000", True),
        ("integer", "ms", "1min", "60000", True),
        ("integer", "MB", "-1", "-1", True),
        ("integer", None, "012", "12", True),
        ("enum", None, " replica", "replica", True),
        ("string", None, "*", "localhost", False),
    ],
)
def test_notations_of_one_value(kind, unit, one, other, same):
    assert _same(kind, unit, one, other) is same
    assert Setting._fields[0] == "name"


def seen(horizon=10, inserted=1000, flushed=1000, writers=(), visible=True):
    return freeze.Look(horizon, inserted, flushed, "0/3E8", writers, visible)


@pytest.mark.parametrize(
    ("second", "kind"),
    [
        (seen(), freeze.STILL),
        # Behind the header of a page that nothing was written to yet.
        (seen(flushed=960), freeze.BACKGROUND),
        (seen(inserted=1100, flushed=1100), freeze.BACKGROUND),
        (seen(horizon=11), freeze.WRITTEN),
        (seen(writers=("pid 1",)), freeze.WRITTEN),
        (seen(visible=False), freeze.NOT_SEEN),
        (seen(horizon=11, visible=False), freeze.WRITTEN),
    ],
)
def test_what_an_interval_is(second, kind):
    assert freeze.interval(seen(), second) == kind


def test_the_header_of_a_page_is_no_difference():
    first = seen(inserted=8232, flushed=8192)
    assert freeze.interval(first, first) == freeze.STILL
    behind = seen(inserted=8300, flushed=8192)
    assert freeze.interval(behind, behind) == freeze.BACKGROUND


def test_a_proof_wants_two_intervals():
    still = (freeze.STILL,)
    assert not freeze.prove([seen(), seen()]).holds(still)
    assert freeze.prove([seen(), seen(), seen()]).holds(still)
    assert freeze.prove([seen(1), seen(), seen(), seen()]).holds(still)
    assert not freeze.prove([seen(), seen(), seen(inserted=1100, flushed=1100)]).holds(still)
    assert freeze.prove([seen(), seen(), seen(inserted=1100, flushed=1100)]).holds((*still, freeze.BACKGROUND))
    assert not freeze.prove([seen(), seen(), seen(horizon=11)]).holds((*still, freeze.BACKGROUND))


def moment(read_only=True, rows=5, runs=3, **look):
    return Moment(read_only, False, "0/0", seen(**look), {"db": Counts({("s", "t"): rows}, runs)})


@pytest.mark.parametrize(
    ("after", "said"),
    [
        (moment(), ""),
        (moment(inserted=2000), ""),
        (moment(read_only=False), "not read-only"),
        (moment(horizon=11), "1 transactions"),
        # An id, a run of autovacuum, and no row that was written: the run's own.
        (moment(horizon=11, runs=4), ""),
        (moment(horizon=12, runs=4), "2 transactions"),
        (moment(horizon=11, runs=4, rows=6), "1 transactions"),
        (moment(writers=("pid 9",)), "pid 9"),
        (moment(visible=False), "pg_monitor"),
        (Moment(True, True, "0/0", None, {}), "standby"),
    ],
)
def test_whether_a_source_stood_still(after, said):
    found = doubts(moment(), after)
    assert bool(found) == bool(said)
    assert said in "".join(found)


@pytest.mark.parametrize(
    ("source", "target", "goes_on"),
    [
        ((10, 5, True), (10, 0, True), True),
        ((10, 5, True), (15, 0, True), True),
        ((10, 5, True), (16, 0, True), False),
        ((10, 5, True), (9, 0, True), False),
        ((1, 0, False), (1, 0, True), False),
        ((1, 0, False), (1, 0, False), True),
    ],
)
def test_where_a_sequence_goes_on(source, target, goes_on):
    assert follows(SequenceValue(*source, 1), SequenceValue(*target, 1)) is goes_on


def test_a_sequence_that_counts_down():
    assert follows(SequenceValue(-10, 5, True, -2), SequenceValue(-20, 0, True, -2))
    assert not follows(SequenceValue(-10, 5, True, -2), SequenceValue(-8, 0, True, -2))


@pytest.mark.parametrize("blocks", [0, 1, BLOCKS_PER_PART, BLOCKS_PER_PART + 1, 5 * BLOCKS_PER_PART])
def test_parts_leave_no_block_out(blocks):
    found = list(parts(Table("s", "t", ("a",), blocks, 0), by_block=True, sampled=False))
    if found == [None]:
        assert blocks <= BLOCKS_PER_PART
        return
    assert found[0][0] == 0
    assert found[-1][1] is None  # rows that were added meanwhile are read as well
    assert [end for _first, end in found[:-1]] == [first for first, _end in found[1:]]


def test_statements_quote_names():
    table = Table('s"x', "t%s", ('a"b', "ROW"), 1, 1)
    text = statement(table, "md5", (0, 8))
    assert 'ONLY "s""x"."t%s"' in text
    assert 'ROW("a""b", "ROW")::text' in text
    assert Sums(1, -1, 2) + Sums(2, 3, 4) == Sums(3, 2, 6)
    assert Sums(1, -1, 0).text == "f" * 16 + "0" * 16


def test_names_as_people_read_them():
    assert shown(("public", "orders")) == "public.orders"
    assert shown(("", "a.b")) == '"a.b"'
    assert shown(("s", 'q"')) == 's."q"""'


class _Request:
    def __init__(self, sample=None, digest="md5", kinds=("contents",)):
        self.wish = type("Wish", (), {"sample": sample, "digest": digest, "kinds": kinds})


NOTHING = Found([], [], [], [], [], [])


@pytest.mark.parametrize(
    ("request_", "found", "word"),
    [
        (_Request(), NOTHING, "equal"),
        (_Request(), NOTHING._replace(doubts=["x"]), "consistent"),
        (_Request(), NOTHING._replace(target_changed=[("d", "s", "t")]), "consistent"),
        (_Request(digest=None), NOTHING, "consistent"),
        (_Request(kinds=()), NOTHING, "consistent"),
        (_Request(sample=50.0), NOTHING, "consistent_sample"),
        (_Request(sample=50.0), NOTHING._replace(unread=["x"]), "unknown"),
        (_Request(), NOTHING._replace(unread=["x"]), "unknown"),
        (_Request(), NOTHING._replace(unread=["x"], differences=["d"]), "different"),
        (_Request(sample=1.0), NOTHING._replace(differences=["d"]), "different"),
    ],
)
def test_a_verdict(request_, found, word):
    said, reasons = verdict(request_, found)
    assert said == word
    assert bool(reasons) == (word != "equal")


@pytest.mark.parametrize(
    ("text", "code", "named"),
    [
        (
            'connection failed: connection to server at "h", port 1 failed: FATAL:  password authentication failed for'
            ' user "u"',
            "28P01",
            "source.password",
        ),
        (
            'FATAL:  no pg_hba.conf entry for host "1.2.3.4", user "u", database "d", no encryption',
            "28000",
            "pg_hba.conf",
        ),
        ('FATAL:  database "d" does not exist', "3D000", "source.database"),
        ("connection timeout expired", "unreachable", "source.port"),
        ("server does not support SSL, but SSL was required", "ssl", "source.ssl_mode"),
        ("FATAL:  sorry, too many clients already", "53300", "max_connections"),
        ("irgendetwas", "connection_failed", "source.host"),
    ],
)
def test_connection_failures(text, code, named):
    failure = errors.connection_failure(Exception(text), "the source", ["geheim"], errors.OptionNames("source."))
    assert failure.code == code
    assert named in failure.remedy


def test_a_password_that_a_message_quotes_is_cut_out():
    failure = errors.connection_failure(Exception("bad geheim in x"), "the source", ["geheim"], errors.OptionNames())
    assert "geheim" not in failure.message + failure.remedy
    failure = errors.statement_failure(Exception("bad geheim in x"), "the source", ["geheim"], errors.OptionNames())
    assert "geheim" not in failure.message + failure.remedy
