# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Measure what the collection costs beside something a user knows, both in the same run.

Each benchmark is a function that yields comparisons. How contestants are measured stands in comparison.py.
"""

from __future__ import annotations

import argparse
import json
import pathlib
import sys
import time
from collections.abc import Callable, Iterable, Mapping

from comparison import ROOT, Comparison

SCRATCH = ROOT / "build" / "bench"


def no_op_modules() -> Iterable[Comparison]:
    """What a task costs that finds its work done, beside ping and beside bare imports."""
    import noop

    yield from noop.lines(SCRATCH)


def uploads() -> Iterable[Comparison]:
    """What a backup's way into a bucket costs, beside the vendor's SDKs."""
    import upload

    yield from upload.lines(SCRATCH)


def readings() -> Iterable[Comparison]:
    """One call beside the vendor's SDK, and the header of a huge backup beside that of a small one."""
    import reading

    yield from reading.one_read(SCRATCH)
    yield from reading.headers(SCRATCH)


def comparing() -> Iterable[Comparison]:
    """What a comparison of many rows takes, beside the bare aggregate."""
    import comparing as measured

    yield from measured.lines(SCRATCH)


def scaling() -> Iterable[Comparison]:
    """A thousand databases at the service's limit of calls, and what one costs of ten thousand."""
    import scaling as measured

    yield from measured.lines(SCRATCH)


def restores() -> Iterable[Comparison]:
    """How fast hundreds of small backups are handed to the service, beside a loop over them."""
    import restores as measured

    for line in measured.lines(SCRATCH):
        yield Comparison(*line)


def worlds() -> Iterable[Comparison]:
    """How many random worlds a core tries in a second, beside what is aimed at."""
    import worlds as measured

    yield from measured.lines(SCRATCH)


BENCHMARKS: dict[str, Callable[[], Iterable[Comparison]]] = {
    "no-op": no_op_modules,
    "upload": uploads,
    "reading": readings,
    "compare": comparing,
    "restores": restores,
    "scaling": scaling,
    "worlds": worlds,
}


def row_of(line: Mapping[str, object]) -> str:
    """A line of the table that is printed."""
    goal = f"{'met' if line['met'] else 'MISSED'}: {line['goal']}" if "goal" in line else ""
    told = f"{line['ours']} against {line['peer']} {line['unit']}"
    cpu = f", by CPU {line['ratio_cpu']}" if "ratio_cpu" in line else ""
    peer = f" [{line['peer_version']}]" if "peer_version" in line else ""
    return f"{line['name']}: ratio {line['ratio']}{cpu} ({told}){peer} {goal}".rstrip()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--output", type=pathlib.Path, default=ROOT / "build" / "bench.json")
    parser.add_argument("names", nargs="*", help=f"which to run, of: {', '.join(BENCHMARKS)}")
    arguments = parser.parse_args()
    unknown = set(arguments.names) - set(BENCHMARKS)
    if unknown:
        parser.error(f"unknown: {', '.join(sorted(unknown))}")

    SCRATCH.mkdir(parents=True, exist_ok=True)
    lines = []
    for name in arguments.names or BENCHMARKS:
        began = time.monotonic()
        for comparison in BENCHMARKS[name]():
            lines.append(comparison.as_dict())
            print(row_of(lines[-1]), flush=True)
        print(f"({name}: {time.monotonic() - began:.0f} s)", flush=True)
    arguments.output.parent.mkdir(parents=True, exist_ok=True)
    arguments.output.write_text(json.dumps(lines, indent=2) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
