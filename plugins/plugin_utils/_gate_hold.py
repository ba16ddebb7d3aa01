# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This plugin util is private to the collection.

"""Holding a play at its gate, ready, as long as a file is there."""

from __future__ import annotations

import pathlib
import time
from collections.abc import Callable

_INTERVAL = 2.0
_TELL_EVERY = 300.0


class StillHeld(Exception):
    """Nobody let it go on, or the file that holds it cannot be made. Its text says what to do."""


def hold(file: pathlib.Path, *, what: str, make: bool, timeout: float, say: Callable[[str], object]) -> float:
    """Wait as long as the file is there; returns for how many seconds.

    what: the step, as the beginning of a sentence. make: whether to make the file first. timeout: seconds.
    """
    began = told = time.monotonic()
    if make:
        _make(file, what)
    if file.exists():
        say(f"{what} is ready, and waits until {file} is deleted.")
    while file.exists():
        now = time.monotonic()
        if now - began >= timeout:
            raise StillHeld(
                f"{what} was not let go on within {timeout:g} seconds: {file} is still there. Delete it and run the "
                "playbook again, or raise postpone_timeout."
            )
        if now - told >= _TELL_EVERY:
            told = now
            say(f"{what} still waits: {file} is there.")
        time.sleep(min(_INTERVAL, timeout))
    return time.monotonic() - began


def _make(file: pathlib.Path, what: str) -> None:
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        with file.open("x", encoding="utf-8") as made:
            made.write(f"{what} is ready. Delete this file to let it go on.\n")
    except FileExistsError:
        return
    except OSError as error:
        raise StillHeld(f"{file} cannot be made: {error.strerror}.") from None
