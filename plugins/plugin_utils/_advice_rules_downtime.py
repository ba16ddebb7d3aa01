# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This plugin util is private to the collection.

"""How long nobody can write, and what the wishes decide about that. Each rule tells its source."""

from __future__ import annotations

from ._advice_rule import (
    BACKUPS,
    CHANGE,
    CLOUD,
    DTS,
    IMPORT,
    NO,
    NOTE,
    PATHS,
    UNKNOWN,
    Rule,
    from_rds,
    gib,
    is_2008,
    runs,
)
from ._advice_situation import RDS, SQL_SERVER, Situation

# MiB per second for backing up and restoring together. The service tells no rates; these two are a judgement. What is
# slower than the first is easily kept, what is faster than the second is not kept by any instance.
_EASY, _IMPOSSIBLE = 10, 200
# What the example of the guide to full and log backups takes.
_MINUTES_OF_A_CHAIN = 5
# READMEs of postgresql_cloud (the proof, two looks at the lag, the switch) and of dts_cross_account (60 s in which
# nothing is missing).
_MINUTES_OF_A_SWITCH = 2


def copy_is_quick(situation: Situation) -> bool:
    return situation.downtime is None or (situation.rate is not None and situation.rate <= _EASY)


def is_chain(situation: Situation) -> bool:
    """Whether backups have to follow each other, because a full restore alone may take too long."""
    return not copy_is_quick(situation)


def _of_sql_server(situation: Situation) -> bool:
    return runs(situation, SQL_SERVER) and bool(situation.downtime)


def follows(situation: Situation) -> bool:
    """Whether a job of DTS has to carry changes, which is charged."""
    return situation.way_back or not copy_is_quick(situation)


OF_DOWNTIME = (
    # Every way stops writes for its cut-over.
    Rule(
        "no_downtime_at_all",
        PATHS,
        NO,
        lambda s: s.downtime == 0,
        "It stops writes for a moment at least, and none is allowed.",
        "Allow some minutes (downtime in advise_wishes).",
    ),
    # A copy lacks what was written after its backup.
    Rule(
        "copy_takes_too_long",
        (IMPORT,),
        NO,
        lambda s: from_rds(s, SQL_SERVER) and s.rate is not None and s.rate > _IMPOSSIBLE,
        "Nobody may write while {size} are backed up and restored; in {downtime} minutes that is {rate} MiB a second.",
        "Allow more downtime, or migrate fewer databases at a time.",
    ),
    Rule(
        "copy_may_take_too_long",
        (IMPORT,),
        UNKNOWN,
        lambda s: from_rds(s, SQL_SERVER) and s.downtime and not copy_is_quick(s) and (s.rate or 0) <= _IMPOSSIBLE,
        "Nobody may write while {size} are backed up and restored; whether {downtime} minutes are enough cannot be "
        "told before.",
        "Copy to another name on the target first, and measure.",
    ),
    # Guide to full and log backups.
    Rule(
        "backups_follow_each_other",
        (BACKUPS,),
        NOTE,
        lambda s: _of_sql_server(s) and is_chain(s) and not is_2008(s),
        "To keep {downtime} minutes, full and log backups are restored while the source is in use, and only the last "
        "log backup while it is not.",
        settings=(("low_downtime", True),),
    ),
    # Guide to full and log backups, preparation: recovery model FULL.
    Rule(
        "no_logs_of_simple_recovery",
        (BACKUPS,),
        CHANGE,
        lambda s: _of_sql_server(s) and is_chain(s) and s.simple,
        "There are no log backups of databases in the simple recovery model: {simple}.",
        "Set their recovery model to FULL, and take a new full backup.",
    ),
    # The same guide: 2008 R2 with local disks takes no log backups.
    Rule(
        "no_logs_on_2008",
        (BACKUPS,),
        NO,
        lambda s: _of_sql_server(s) and is_chain(s) and is_2008(s) and s.local_disks is not False,
        "SQL Server 2008 R2 takes log backups on cloud disks only, and {size} do not come over in {downtime} minutes "
        "without them.",
        "Take a newer target, or one with cloud disks, or allow more downtime.",
    ),
    Rule(
        "chain_shorter_than_the_guide",
        (BACKUPS,),
        UNKNOWN,
        lambda s: _of_sql_server(s) and is_chain(s) and (s.downtime or 0) < _MINUTES_OF_A_CHAIN,
        "The example of the service's guide needs about 5 minutes from the last write to the opened database.",
        "Keep the last log backup small, and measure the cut-over of one database.",
    ),
    # README of postgresql_cloud.
    Rule(
        "switch_takes_a_while",
        (CLOUD,),
        UNKNOWN,
        lambda s: 0 < (s.downtime or 0) < _MINUTES_OF_A_SWITCH,
        "The proof that nobody writes, two looks at the lag and the switch take a minute or two.",
        "Measure the cut-over with a copy of the source.",
        settings=(("wal_proof", "transactions"), ("poll_interval", 5)),
    ),
    # Guide to DTS between accounts: "Migration with minimal downtime: Select ... Incremental Data Migration".
    Rule(
        "dts_carries_changes",
        (DTS,),
        NOTE,
        follows,
        "The job has to carry changes (incremental migration), which is charged until the job is deleted.",
        settings=(("migration_types", ["schema", "full", "incremental"]),),
    ),
    Rule(
        "dts_waits_for_silence",
        (DTS,),
        UNKNOWN,
        lambda s: 0 < (s.downtime or 0) < _MINUTES_OF_A_SWITCH,
        "The cut-over watches for a minute that nothing is missing any more.",
        "Measure the cut-over with a copy of the source.",
        settings=(("quiet_seconds", 10),),
    ),
    # Only a second job carries changes back (role dts_cross_account); a physical or a restored copy has no way back.
    Rule(
        "nothing_carries_back",
        (IMPORT, BACKUPS, CLOUD),
        NO,
        lambda s: s.way_back,
        "Nothing carries back what is written to the target after the cut-over.",
        "Do without that (way_back in advise_wishes).",
    ),
    Rule(
        "dts_carries_back",
        (DTS,),
        NOTE,
        lambda s: s.way_back and s.kind == RDS and s.same_account is False,
        "A second job carries back what is written after the cut-over; it is charged, too.",
        settings=(("reverse", True),),
    ),
    Rule(
        "dts_carries_back_by_hand",
        (DTS,),
        CHANGE,
        lambda s: s.way_back and (s.kind != RDS or s.same_account),
        "What is written after the cut-over can be carried back by a second job.",
        "Have the play make a second job in the other direction when the first one is over.",
    ),
)


def downtime_of(path: str, situation: Situation) -> str:
    """What to expect, in words."""
    return _EXPECTED[path](situation)


def _of_import(situation: Situation) -> str:
    return (
        "From before the backup that the copy restores until the databases are open on the target, because a copy does "
        f"not follow the source: {gib(situation.size)} are backed up and restored."
    )


def _of_backups(situation: Situation) -> str:
    if is_chain(situation) and not is_2008(situation):
        return (
            "Minutes: a last log backup, its upload and restore, and the opening. The example of the service's guide "
            "has about 5; a log below 500 MB keeps it short."
        )
    return (
        "From before the full backups until the databases are open on the target, because nothing follows: "
        f"{gib(situation.size)} are backed up, uploaded and restored. Minutes with sqlserver_backup_low_downtime."
    )


def _of_cloud(_situation: Situation) -> str:
    return (
        "A minute or two: the proof that nobody writes, the last WAL position, and the switch. The source is in use "
        "before."
    )


def _of_dts(situation: Situation) -> str:
    if follows(situation):
        return (
            "A minute or two: writes are stopped until nothing has been missing for a minute, then the job is ended. "
            "The source is in use before."
        )
    return (
        f"The whole time of schema and full migration of {gib(situation.size)}, because nobody may write meanwhile. "
        "With incremental migration, which is charged, a minute or two."
    )


_EXPECTED = {IMPORT: _of_import, BACKUPS: _of_backups, CLOUD: _of_cloud, DTS: _of_dts}
