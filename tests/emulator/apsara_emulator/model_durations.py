# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How long things take in a world."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass
class Duration:
    """Seconds that something takes: `base`, plus `per_gb` for each GiB of data."""

    base: float = 90.0
    per_gb: float = 1.0


@dataclass
class RestoreDurations:
    """How long the stages of a backup import take; per GiB of the file, of the backup, and of the database."""

    start: float = 5.0
    download: Duration = field(default_factory=lambda: Duration(10.0, 10.0))
    check: float = 5.0
    prepare: float = 2.0
    restore: Duration = field(default_factory=lambda: Duration(20.0, 10.0))
    open: float = 5.0
    check_db: Duration = field(default_factory=lambda: Duration(20.0, 5.0))
    terminate: float = 5.0


@dataclass
class DtsDurations:
    """How long the stages of a DTS job take; `full` per GiB of the selected databases."""

    precheck: float = 20.0
    structure: float = 10.0
    full: Duration = field(default_factory=lambda: Duration(20.0, 2.0))
    catch_up: float = 30.0


@dataclass
class Durations:
    """How long things take, before the world's speed divides it."""

    imports: Duration = field(default_factory=Duration)
    copies: Duration = field(default_factory=Duration)
    cancel: float = 10.0
    create_database: float = 5.0
    restores: RestoreDurations = field(default_factory=RestoreDurations)
    dts: DtsDurations = field(default_factory=DtsDurations)
