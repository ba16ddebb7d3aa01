# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""`python -m apsara_emulator.postgresql`: a source server until told to stop, or the list of server programs."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence

from ..servers import command_line
from . import binaries
from .source import SourceServer, read_source, start_source

_PROGRAM = "apsara_emulator.postgresql"


def main(arguments: Sequence[str] | None = None) -> int:
    """0 after SIGTERM or SIGINT, 2 if the command line cannot be used or no server can be started."""
    options = _parser().parse_args(arguments)
    if options.what == "programs":
        for one in binaries.found().values():
            print(json.dumps({"major": one.major, "folder": str(one.folder), "origin": one.origin}))
        return 0
    return command_line.run_source(
        _PROGRAM, options, lambda document: start_source(read_source(document)), SourceServer.stop
    )


def _parser() -> argparse.ArgumentParser:
    parser = command_line.parser(_PROGRAM, "PostgreSQL", "superuser postgres", "list the server programs found")
    parser.add_argument("--major", type=int, help="major version (default: that of new instances)")
    parser.add_argument("--hba", action="append", metavar="LINE", help="a line of pg_hba.conf, in place of the default")
    return parser


if __name__ == "__main__":
    sys.exit(main())
