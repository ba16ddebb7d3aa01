# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which stage of a migration the world holds up."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ..world import World


def is_held_up(world: World, stage: str, instance_id: str, begun: float) -> bool:
    """Whether a stage that began at `begun` is not to go on yet. To be called with the world's lock held."""
    now = world.clock.now()
    return any(
        one.stage == stage
        and one.instance in ("", instance_id)
        and (one.seconds is None or now < begun + world.lasting(one.seconds))
        for one in world.state.stalls
    )
