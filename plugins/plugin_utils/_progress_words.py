# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This plugin util is private to the collection.

"""Progress in words, as lines and bars show it. Nothing is guessed: what was not measured is not shown."""

from __future__ import annotations

from ._progress_works import Work

_SHORT = 30
_UNITS = ("B", "kB", "MB", "GB", "TB", "PB")


def size(count: float) -> str:
    """As disks and lines are sold: 1 kB is 1000 bytes."""
    unit = 0
    while count >= 999.5 and unit < len(_UNITS) - 1:
        count, unit = count / 1000, unit + 1
    digits = 0 if unit == 0 or count >= 99.95 else 1
    return f"{count:.{digits}f} {_UNITS[unit]}"


def duration(seconds: float) -> str:
    whole = int(seconds)
    hours, minutes = whole // 3600, whole // 60 % 60
    return f"{hours}:{minutes:02}:{whole % 60:02}"


def percent(work: Work) -> float | None:
    """Rounded down: 100 is shown only when all is done."""
    if work.done is None or not work.total:
        return None
    return min(100 * work.done / work.total, 100.0)


def amount(work: Work) -> str:
    if work.done is None or work.total is None:
        return size(work.done) if work.done is not None and work.unit == "bytes" else ""
    share = percent(work)
    told = "" if share is None else f"{int(share)} %"
    if work.unit == "percent":
        return told
    if work.unit == "bytes":
        return f"{told} ({size(work.done)} of {size(work.total)})".lstrip()
    return f"{work.done:g} of {work.total:g} {work.unit}".rstrip()


def rate(work: Work, now: float) -> str:
    return f"{size(work.rate)}/s" if work.rate and work.unit == "bytes" and not work.silence(now) else ""


def time_left(work: Work, now: float) -> str:
    if work.eta is None or work.silence(now):
        return ""
    return f"{duration(max(work.eta - (now - work.heard), 0))} left"


def lag(work: Work) -> str:
    told = [size(work.lag_bytes)] if work.lag_bytes is not None else []
    told += [f"{work.lag_seconds:g} s"] if work.lag_seconds is not None else []
    return f"{', '.join(told)} behind" if told else ""


def waited(work: Work, now: float) -> str:
    if work.elapsed is None:
        return ""
    told = f"waiting {duration(work.elapsed + now - work.heard)}"
    told += f" of {duration(work.timeout)}" if work.timeout else ""
    # A long one names what the line names already.
    return f"{told} for {work.waiting_for}" if work.subject and 0 < len(work.waiting_for) <= _SHORT else told


def trouble(work: Work, now: float) -> str:
    """That what is shown is old."""
    silence = work.silence(now)
    if silence:
        return f"no news for {duration(silence)}"
    return f"the last {work.missed:g} looks failed" if work.missed else ""


def facts(work: Work, now: float) -> str:
    """All that is known of a work that goes on."""
    told = (
        work.stage,
        amount(work),
        rate(work, now),
        time_left(work, now),
        lag(work),
        waited(work, now),
        trouble(work, now),
    )
    return ", ".join(fact for fact in told if fact)


def ending(work: Work) -> str:
    took = f" after {duration(work.elapsed)}" if work.elapsed is not None else ""
    return ", ".join(fact for fact in (work.stage, amount(work), work.ended + took) if fact)


def worker(work: Work) -> str:
    return " ".join(part for part in (work.host or work.instance, work.module) if part) or "a task"
