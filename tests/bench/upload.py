# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Uploads beside the vendor's two SDKs: the same file to the same server, each client in a process of its own."""

from __future__ import annotations

import contextlib
import json
import os
import pathlib
import statistics
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType

import rclone
import sink
from comparison import Comparison, Goal, at_least, at_most, version_of

HERE = pathlib.Path(__file__).resolve().parent
MIB, GIB = 1024**2, 1024**3
SIZES = {"small": GIB // 4, "large": 2 * GIB}
ROUNDS = 5
ROUNDS_OF_TLS = 3
CPU_UNIT = "CPU s per GiB"
# What is promised, whatever the machine: memory in MiB.
MOST_MEMORY = 200

# seconds, cpu and peak of each upload.
Rows = list[dict[str, float]]


def lines(scratch: pathlib.Path) -> Iterator[Comparison]:
    """Throughput against the peers, CPU, and memory. Everybody takes turns; medians are compared."""
    files = {name: write_file(scratch / f"upload-{name}.bak", size) for name, size in SIZES.items()}
    tree = link_tree(scratch)
    with server() as endpoint:
        taken = turns(("ours", "ours-unsummed", "oss2", "oss-v2"), ROUNDS, endpoint, files["large"], tree)
        small = one_upload("ours", endpoint, files["small"], tree)
        yield from plain_lines(taken, small["peak"] / MIB)
        yield from rclone_lines(endpoint, files["small"], tree, scratch)
    authority = scratch / "sink-ca.pem"
    with server(authority) as endpoint:
        trusted = {"REQUESTS_CA_BUNDLE": str(authority)}
        taken = turns(("ours", "oss2"), ROUNDS_OF_TLS, endpoint, files["large"], tree, trusted)
    yield throughput("upload throughput over TLS vs oss2", taken, "ours", "oss2", version_of("oss2"))
    for file in files.values():
        file.unlink()


def plain_lines(taken: Mapping[str, Rows], peak_of_small: float) -> Iterator[Comparison]:
    peak = max(row["peak"] for row in taken["ours"]) / MIB
    if peak > MOST_MEMORY:
        raise SystemExit(f"An upload took {peak:.0f} MiB of memory; {MOST_MEMORY} are promised.")
    oss2, oss_v2 = version_of("oss2"), version_of("alibabacloud-oss-v2")
    memory = {"peak_memory_mib": peak, "peak_memory_mib_of_an_eighth": peak_of_small}
    five = at_least(5)
    yield throughput("upload throughput vs oss2", taken, "ours", "oss2", oss2, five, memory)
    yield throughput("upload throughput vs oss-v2", taken, "ours", "oss-v2", oss_v2, five)
    same = "the same without a checksum"
    yield throughput("upload throughput vs no checksum", taken, "ours", "ours-unsummed", same, at_least(0.9))
    cpu = {name: cpu_of(rows) for name, rows in taken.items()}
    goal = at_most(0.9, of="ours")
    yield Comparison("upload cpu", cpu["ours"], cpu["oss2"], CPU_UNIT, {"oss_v2": cpu["oss-v2"]}, goal, oss2)


def rclone_lines(endpoint: str, file: pathlib.Path, tree: pathlib.Path, scratch: pathlib.Path) -> Iterator[Comparison]:
    """With a smaller file: rclone computes three checksums of everything."""
    program = rclone.program(scratch)
    if program is None:
        print("rclone is left out: it is neither on this machine nor to be had from its package sources.")
        return
    rows: dict[str, Rows] = {"ours": [], "rclone": []}
    for _turn in range(ROUNDS):
        rows["ours"].append(one_upload("ours", endpoint, file, tree))
        rows["rclone"].append(rclone.upload(program, endpoint, file)._asdict())
    yield throughput(
        "upload throughput vs rclone", rows, "ours", "rclone", rclone.version(program), size=SIZES["small"]
    )


def turns(
    contestants: Sequence[str],
    rounds: int,
    endpoint: str,
    file: pathlib.Path,
    tree: pathlib.Path,
    environment: Mapping[str, str] = MappingProxyType({}),
) -> dict[str, Rows]:
    """What each upload took. The first turn fills the page cache and the server's memory of checksums."""
    taken: dict[str, Rows] = {name: [] for name in contestants}
    for turn in range(rounds + 1):
        for contestant in contestants:
            measured = one_upload(contestant, endpoint, file, tree, environment)
            if turn:
                taken[contestant].append(measured)
    return taken


def throughput(
    name: str,
    taken: Mapping[str, Rows],
    ours: str,
    peer: str,
    version: str,
    goal: Goal | None = None,
    extra: Mapping[str, float] = MappingProxyType({}),
    *,
    size: int = SIZES["large"],
) -> Comparison:
    """MiB/s. The ratio by CPU is that of bytes per second of the processors."""
    rate, of_peer = (size / MIB / median(taken[who], "seconds") for who in (ours, peer))
    ratio_cpu = median(taken[peer], "cpu") / median(taken[ours], "cpu")
    return Comparison(name, rate, of_peer, "MiB/s", {**extra, "ratio_cpu": ratio_cpu}, goal, version)


def cpu_of(rows: Rows) -> float:
    return median(rows, "cpu") / (SIZES["large"] / GIB)


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
def server(authority: pathlib.Path | None = None) -> Iterator[str]:
    """The endpoint of a server that discards. authority: the file for the certificate, where it is to speak TLS."""
    command = [sys.executable, str(HERE / "sink.py"), *([str(authority)] if authority else [])]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            yield f"{'https' if authority else 'http'}://127.0.0.1:{int(process.stdout.readline())}"
        finally:
            process.terminate()


def one_upload(
    contestant: str,
    endpoint: str,
    file: pathlib.Path,
    tree: pathlib.Path,
    environment: Mapping[str, str] = MappingProxyType({}),
) -> dict[str, float]:
    """seconds, cpu (seconds) and peak (bytes) of one upload."""
    command = [sys.executable, str(HERE / "upload_client.py"), contestant, endpoint, str(file), str(tree)]
    done = subprocess.run(
        command,
        env={**os.environ, **environment},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise SystemExit(f"{contestant} did not upload:\n{done.stdout}{done.stderr}")
    measured: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return measured
