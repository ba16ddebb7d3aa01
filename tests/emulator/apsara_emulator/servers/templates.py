# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Fresh data directories. To make one takes a second or more; to copy one takes a moment."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from .errors import ServerError

if TYPE_CHECKING:
    from ..postgresql.home import Home

_lock = threading.Lock()


def copy_template(home: Home, name: str, make: Callable[[Path], None], data: Path) -> None:
    """A copy at `data` of what `make` leaves in the folder `data` of a template. It is made once for each process."""
    with _lock:
        template = home.folder / name
        if not (template / "made").exists():
            shutil.rmtree(template, ignore_errors=True)
            template.mkdir(mode=0o700)
            home.give(template)
            make(template)
            (template / "made").touch()
    answer = home.run(["cp", "-R", str(template / "data"), str(data)])
    if answer.returncode:
        raise ServerError(f"the data directory could not be copied: {answer.stderr.strip()}")
