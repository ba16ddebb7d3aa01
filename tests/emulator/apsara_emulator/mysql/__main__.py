# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""`python -m apsara_emulator.mysql`: a source server until told to stop, or what server programs there are."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence

from ..servers import command_line
from . import binaries
from .source import SourceServer, read_source, start_source

_PROGRAM = "apsara_emulator.mysql"


def main(arguments: Sequence[str] | None = None) -> int:
    """0 after SIGTERM or SIGINT, 2 if the command line cannot be used or no server can be started.

    `programs` ends with 0 where servers can be started, else with 1 and says what is missing.
    """
    options = _parser().parse_args(arguments)
    if options.what == "programs":
        return _programs()
    return command_line.run_source(
        _PROGRAM, options, lambda document: start_source(read_source(document)), SourceServer.remove
    )


def _programs() -> int:
    found = binaries.found()
    if found is None or binaries.missing():
        print(f"{_PROGRAM}: {binaries.missing()}", file=sys.stderr)
        return 1
    print(json.dumps({"version": found.version, "programs": dict(found.paths)}))
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = command_line.parser(_PROGRAM, "MariaDB", "administrator root", "say which programs there are")
    parser.add_argument("--engine", help="what it stands for: MySQL (default) or MariaDB")
    return parser


if __name__ == "__main__":
    sys.exit(main())
