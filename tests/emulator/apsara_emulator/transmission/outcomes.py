# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a world has in store for a job."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .model import DtsForced, DtsJob

if TYPE_CHECKING:
    from ..world import World

RESULTS = frozenset({"fails", "slow", "stalls", "retries", "stays_behind"})


def forced(job: DtsJob, stage: str, result: str) -> DtsForced | None:
    """The outcome of this kind for a stage, if there is one."""
    return next((one for one in job.forced if (one.stage, one.result) == (stage, result)), None)


def take_outcomes(world: World, job: DtsJob) -> list[DtsForced]:
    """The outcomes of the world document that apply to this job, each used up by one."""
    result = []
    for outcome in world.state.outcomes:
        if (
            outcome.kind == "dts"
            and outcome.times > 0
            and outcome.result in RESULTS
            and outcome.source in ("", job.source.instance_id)
            and outcome.target in ("", job.target.instance_id)
        ):
            outcome.times -= 1
            stage = outcome.stage or ("incremental" if outcome.result == "stays_behind" else job.wanted[0])
            result.append(DtsForced(outcome.result, stage, outcome.after, outcome.failure, outcome.factor))
    return result
