# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Uploads beside the vendor's two SDKs: the same file to the same server, each client in a process of its own."""

from __future__ import annotations

import contextlib
import json
import pathlib
import statistics
import subprocess
import sys
from collections.abc import Iterator
from typing import NamedTuple

import sink

HERE = pathlib.Path(__file__).resolve().parent
GIB = 1024**3
SIZES = {"small": GIB // 4, "large": 2 * GIB}
ROUNDS = 5
# What is promised, whatever the machine: memory in MiB.
MOST_MEMORY = 200


class Line(NamedTuple):
    """One line of the result, as run.Comparison wants it."""

    name: str
    ours: float
    peer: float
    unit: str
    extra: dict[str, float]


def lines(scratch: pathlib.Path) -> Iterator[Line]:
    """Throughput against both peers, CPU, and memory. Everybody takes turns; medians are compared."""
    files = {name: write_file(scratch / f"upload-{name}.bak", size) for name, size in SIZES.items()}
    tree = link_tree(scratch)
    taken: dict[str, list[dict[str, float]]] = {}
    with server() as endpoint:
        for turn in range(ROUNDS + 1):
            for contestant in ("ours", "ours-unsummed", "oss2", "oss-v2"):
                measured = one_upload(contestant, endpoint, files["large"], tree)
                if turn:  # the first turn fills the page cache and the server's memory of checksums
                    taken.setdefault(contestant, []).append(measured)
        small = one_upload("ours", endpoint, files["small"], tree)
    for file in files.values():
        file.unlink()
    size = SIZES["large"]
    mib = {name: size / 1024**2 / median(rows, "seconds") for name, rows in taken.items()}
    cpu = {name: median(rows, "cpu") / (size / GIB) for name, rows in taken.items()}
    peak = max(row["peak"] for row in taken["ours"]) / 1024**2
    if peak > MOST_MEMORY:
        raise SystemExit(f"An upload took {peak:.0f} MiB of memory; {MOST_MEMORY} are promised.")
    extra = {"peak_memory_mib": peak, "peak_memory_mib_of_an_eighth": small["peak"] / 1024**2}
    yield Line("upload throughput vs oss2", mib["ours"], mib["oss2"], "MiB/s", extra)
    yield Line("upload throughput vs oss-v2", mib["ours"], mib["oss-v2"], "MiB/s", {})
    yield Line("upload throughput vs no checksum", mib["ours"], mib["ours-unsummed"], "MiB/s", {})
    yield Line("upload cpu", cpu["ours"], cpu["oss2"], "CPU s per GiB", {"oss_v2": cpu["oss-v2"]})


def median(rows: list[dict[str, float]], name: str) -> float:
    return statistics.median(row[name] for row in rows)


def write_file(path: pathlib.Path, size: int) -> pathlib.Path:
    """The file that the server knows."""
    if not path.exists() or path.stat().st_size != size:
        with path.open("wb") as file:
            for _mib in range(size // sink.MIB):
                file.write(sink.PATTERN)
    return path


def link_tree(scratch: pathlib.Path) -> pathlib.Path:
    """A folder in which the collection is importable by its name."""
    tree = scratch / "tree"
    link = tree / "ansible_collections" / "apsaradb" / "migration"
    link.parent.mkdir(parents=True, exist_ok=True)
    if not link.is_symlink():
        link.symlink_to(HERE.parents[1], target_is_directory=True)
    return tree


@contextlib.contextmanager
def server() -> Iterator[str]:
    """The endpoint of a server that discards."""
    command = [sys.executable, str(HERE / "sink.py")]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            yield f"http://127.0.0.1:{int(process.stdout.readline())}"
        finally:
            process.terminate()


def one_upload(contestant: str, endpoint: str, file: pathlib.Path, tree: pathlib.Path) -> dict[str, float]:
    """seconds, cpu (seconds) and peak (bytes) of one upload."""
    command = [sys.executable, str(HERE / "upload_client.py"), contestant, endpoint, str(file), str(tree)]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{contestant} did not upload:\n{done.stdout}{done.stderr}")
    measured: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return measured
