# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Jobs between real servers: which kind of work a job is."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from .ends import engine_of
from .job_work import JobWork
from .model import DtsJob

if TYPE_CHECKING:
    from ..world import World


def begin(world: World, job: DtsJob) -> None:
    """Do the job from its present stage on."""
    threading.Thread(target=_work(world, job).run, name=f"dts {job.id}", daemon=True).start()


def clean_up(world: World, job: DtsJob) -> None:
    """Leave nothing of a job that has failed on its source."""
    threading.Thread(target=_work(world, job).forget, name=f"end of dts {job.id}", daemon=True).start()


def _work(world: World, job: DtsJob) -> JobWork:
    """ServerError if the job's servers cannot be had."""
    if engine_of(job.source) == "PostgreSQL":
        from .postgresql_job import PostgresqlJob

        return PostgresqlJob(world, job)
    from .mysql_job import MysqlJob

    return MysqlJob(world, job)
