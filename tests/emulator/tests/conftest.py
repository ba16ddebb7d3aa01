# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What several test files use."""

from __future__ import annotations

from collections.abc import Iterator

import hypothesis
import pytest
from apsara_emulator import ManualClock, World

from .looking import undocumented, watched
from .serving import Served, served

# How long an example takes says something about the machine, not about the code.
hypothesis.settings.register_profile(
    "untimed", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow], print_blob=True
)
hypothesis.settings.load_profile("untimed")


@pytest.fixture(scope="session", autouse=True)
def documented_parameters() -> Iterator[None]:
    """In the whole run nothing is looked at that the documentation says is ignored."""
    with watched() as looks:
        yield
    assert not undocumented(looks), "make docs writes the page anew from tests/utils/emulator_parameters.py"


@pytest.fixture(scope="session")
def server() -> Iterator[Served]:
    """A server for the whole run; use `emulator`, which starts it afresh."""
    with served(World.default(ManualClock())) as one:
        yield one


@pytest.fixture
def emulator(server: Served) -> Served:
    """The default world behind a real socket, as at its start, with a clock that stands still."""
    return server.fresh()


@pytest.fixture(scope="session")
def tls_server() -> Iterator[Served]:
    """The default world behind TLS."""
    with served(World.default(ManualClock()), tls=True) as one:
        yield one
