# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""rclone as a contestant, in its S3 dialect. It is a package of Debian, not of Python's index."""

from __future__ import annotations

import os
import pathlib
import shutil
import subprocess

from comparison import Taken, taken_by


def program(scratch: pathlib.Path) -> pathlib.Path | None:
    """The one of this machine, else Debian's, unpacked below scratch. None where neither is to be had."""
    installed = shutil.which("rclone")
    if installed:
        return pathlib.Path(installed)
    unpacked = scratch / "rclone"
    if not (unpacked / "usr" / "bin" / "rclone").exists():
        unpacked.mkdir(exist_ok=True)
        try:
            subprocess.run(["apt-get", "-q", "download", "rclone"], cwd=unpacked, capture_output=True, check=True)
            package = next(unpacked.glob("rclone_*.deb"))
            subprocess.run(["dpkg-deb", "-x", package, unpacked], capture_output=True, check=True)
        except (OSError, subprocess.CalledProcessError, StopIteration):
            return None
    return unpacked / "usr" / "bin" / "rclone"


def version(rclone: pathlib.Path) -> str:
    told = subprocess.run([rclone, "version"], capture_output=True, text=True, check=True).stdout
    return told.splitlines()[0].replace(" v", " ")


def upload(rclone: pathlib.Path, endpoint: str, file: pathlib.Path) -> Taken:
    """With its defaults for parts and checksums. The server keeps nothing, so it is not asked what it holds."""
    settings = {
        "TYPE": "s3",
        "PROVIDER": "Other",
        "ENDPOINT": endpoint,
        "ACCESS_KEY_ID": "none",
        "SECRET_ACCESS_KEY": "none",
        "REGION": "cn-hangzhou",
        "FORCE_PATH_STYLE": "true",
        "NO_HEAD": "true",
        "NO_CHECK_BUCKET": "true",
    }
    environment = {f"RCLONE_CONFIG_SINK_{name}": value for name, value in settings.items()}
    # Of the machine's own AWS settings none count; rclone refuses to begin with some of them.
    unset = [f"--unset={name}" for name in os.environ if name.startswith("AWS_")]
    copy: list[str | pathlib.Path] = [
        rclone,
        "--config",
        "/dev/null",
        "copyto",
        "--no-check-dest",
        "--retries",
        "1",
        file,
        "sink:bench/rclone.bak",
    ]
    return taken_by(["env", *unset, *copy], environment)[0]
