# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This plugin util is private to the collection.

"""All rules that decide between the ways to migrate, from facts alone. Each has its source in a comment."""

from __future__ import annotations

from ._advice_rule import BACKUPS, CHANGE, CLOUD, DTS, IMPORT, NO, PATHS, UNKNOWN, Rule, runs
from ._advice_rules_copying import OF_BACKUPS, OF_THE_IMPORT
from ._advice_rules_downtime import OF_DOWNTIME
from ._advice_rules_following import OF_CLOUD_MIGRATION, OF_DTS
from ._advice_situation import POSTGRESQL, SQL_SERVER

_ANY_SIDE = (
    # Without an engine nothing can be decided.
    Rule(
        "engine_unknown",
        PATHS,
        UNKNOWN,
        lambda s: not s.engine,
        "The engine of the source is not known.",
        "Give engine in advise_source.",
    ),
    # An instance that was not found may be anything.
    Rule(
        "target_unknown",
        PATHS,
        UNKNOWN,
        lambda s: not s.target_engine,
        "The target is not known.",
        "Correct instance_id or region in advise_target, or the credentials, or give its engine and version.",
    ),
    # Page of ImportDatabaseBetweenInstances: "The source and destination instances cannot have the same ID."
    Rule(
        "same_instance",
        PATHS,
        NO,
        lambda s: s.source_id and s.source_id == s.target_id,
        "Source and target are the same instance, {target}.",
        "Give another instance_id in advise_source or advise_target.",
    ),
    # The page of the import and the guide to backups name SQL Server only, on both sides.
    Rule(
        "not_sql_server",
        (IMPORT, BACKUPS),
        NO,
        lambda s: s.engine and not runs(s, SQL_SERVER),
        "It moves databases of SQL Server only; the source runs {engine}.",
    ),
    # Pages of cloud migration: the target is an RDS PostgreSQL instance.
    Rule(
        "not_postgresql",
        (CLOUD,),
        NO,
        lambda s: s.engine and not runs(s, POSTGRESQL),
        "It moves PostgreSQL servers only; the source runs {engine}.",
    ),
    Rule(
        "target_not_sql_server",
        (IMPORT, BACKUPS),
        NO,
        lambda s: s.target_engine not in ("", SQL_SERVER),
        "The target runs {target_engine} and takes no files of SQL Server.",
        "Take a target that runs SQL Server.",
    ),
    Rule(
        "target_not_postgresql",
        (CLOUD,),
        NO,
        lambda s: s.target_engine not in ("", POSTGRESQL),
        "The target runs {target_engine} and takes no files of PostgreSQL.",
        "Take a target that runs PostgreSQL.",
    ),
    # The guide to DTS between accounts leaves the pairs to an overview of scenarios, which cannot be asked.
    Rule(
        "engines_differ",
        (DTS,),
        UNKNOWN,
        lambda s: s.engine and s.target_engine and s.engine != s.target_engine,
        "Whether DTS migrates {engine} to {target_engine} is told by its overview of scenarios only.",
        "Look it up there, or have the job prechecked, which is free.",
    ),
    # DTS wants more storage than the source's data, the other ways at least as much.
    Rule(
        "too_little_storage",
        PATHS,
        CHANGE,
        lambda s: s.size is not None and s.free is not None and s.free < s.size,
        "{target} has {free} free, and {size} come over.",
        "Enlarge the storage of {target} by more than {short}.",
    ),
)

RULES = (*_ANY_SIDE, *OF_THE_IMPORT, *OF_BACKUPS, *OF_CLOUD_MIGRATION, *OF_DTS, *OF_DOWNTIME)
