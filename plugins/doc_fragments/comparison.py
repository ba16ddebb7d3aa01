# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What modules that compare two servers have in common."""

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options:
  databases:
    description: Names or patterns (C(*), C(?)) of databases to compare. Without it, all but templates and those of the
      system.
    type: list
    elements: str
    default: []
  exclude_databases:
    description: Names or patterns of databases to leave out. Without it, none.
    type: list
    elements: str
    default: []
  contents:
    description:
      - V(hash) compares what is in the rows, V(count) only how many there are.
      - With V(count) the verdict is never V(equal).
    type: str
    choices: [hash, count]
    default: hash
  most_differences:
    description: How many differences to return. RV(differences_count) counts them all.
    type: int
    default: 100
  most_tables:
    description: How many tables to return in RV(tables); those that differ come first, then the largest.
    type: int
    default: 1000
  require:
    description: V(report) never fails because of a difference, V(no_difference) when something differs or could not be
      read, V(equal) unless the verdict is V(equal).
    type: str
    choices: [report, no_difference, equal]
    default: report
  connect_timeout:
    description: Seconds to wait for a connection; C(libpq) waits 2 at least.
    type: float
    default: 10
  statement_timeout:
    description: Seconds that a statement may take. With V(0) it may take as long as it does.
    type: float
    default: 0
"""
