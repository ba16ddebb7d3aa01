# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the real server behind an instance holds, whichever engine it is of."""

from __future__ import annotations

from ..model import Instance
from ..world import World
from . import mysql_contents, postgresql_contents


def refresh(world: World, instance: Instance) -> None:
    """Bring the world's entries up to what the server says, if there is one and it answers."""
    postgresql_contents.refresh(world, instance)
    mysql_contents.refresh(world, instance)


def create_database(world: World, instance: Instance, name: str, character_set: str) -> None:
    """On the server too, if there is one. ApiError if it refuses."""
    postgresql_contents.create_database(world, instance, name)
    mysql_contents.create_database(world, instance, name, character_set)


def drop_database(world: World, instance: Instance, name: str) -> None:
    """On the server too, if there is one. ApiError if it refuses."""
    postgresql_contents.drop_database(world, instance, name)
    mysql_contents.drop_database(world, instance, name)
