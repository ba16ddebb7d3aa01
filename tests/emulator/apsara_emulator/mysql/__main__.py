# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""`python -m apsara_emulator.mysql`: a source server until told to stop, or what server programs there are."""

from __future__ import annotations

import argparse
import json
import signal
import sys
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ..errors import DocumentError
from ..postgresql.home import ServerError
from . import binaries
from .source import read_source, start_source


def main(arguments: Sequence[str] | None = None) -> int:
    """0 after SIGTERM or SIGINT, 2 if the command line cannot be used or no server can be started.

    `programs` ends with 0 where servers can be started, else with 1 and says what is missing.
    """
    options = _parser().parse_args(arguments)
    if options.what == "programs":
        return _programs()
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_what: stop.set())
    try:
        server = start_source(read_source(_document(options)))
    except (DocumentError, ServerError, OSError, ValueError) as error:
        print(f"apsara_emulator.mysql: {error}", file=sys.stderr)
        return 2
    print(json.dumps(server.as_document()), flush=True)
    stop.wait()
    server.remove()
    return 0


def _programs() -> int:
    found = binaries.found()
    if found is None or binaries.missing():
        print(f"apsara_emulator.mysql: {binaries.missing()}", file=sys.stderr)
        return 1
    print(json.dumps({"version": found.version, "programs": dict(found.paths)}))
    return 0


def _document(options: argparse.Namespace) -> dict[str, Any]:
    """The document of the file, with what the other options say laid over it."""
    document: dict[str, Any] = {}
    if options.document:
        text = sys.stdin.read() if options.document == "-" else Path(options.document).read_text(encoding="utf-8")
        document = json.loads(text)
        if not isinstance(document, dict):
            raise DocumentError("source: a JSON object is expected")
    for name in ("name", "engine", "port", "password"):
        if getattr(options, name):
            document[name] = getattr(options, name)
    document["settings"] = {**document.get("settings", {}), **dict(_pair(one, "=") for one in options.set or [])}
    document["databases"] = [*document.get("databases", []), *(options.database or [])]
    accounts = [dict(zip(("name", "password"), _pair(one, ":"), strict=True)) for one in options.account or []]
    document["accounts"] = [*document.get("accounts", []), *accounts]
    return document


def _pair(text: str, separator: str) -> tuple[str, str]:
    name, found, value = text.partition(separator)
    if not found:
        raise DocumentError(f"{text!r} is not of the form NAME{separator}VALUE")
    return name, value


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="apsara_emulator.mysql", description="A MariaDB server to migrate from.")
    parser.add_argument("what", choices=["source", "programs"], help="start a source; say which programs there are")
    parser.add_argument("--document", help="JSON file with everything about the source; - reads standard input")
    parser.add_argument("--name", help="its name (default: source)")
    parser.add_argument("--engine", help="what it stands for: MySQL (default) or MariaDB")
    parser.add_argument("--port", type=int, help="port (default: a free one)")
    parser.add_argument("--password", help="of the administrator root (default: made up)")
    parser.add_argument("--set", action="append", metavar="NAME=VALUE", help="a setting of the server")
    parser.add_argument("--account", action="append", metavar="NAME:PASSWORD", help="an account that may migrate")
    parser.add_argument("--database", action="append", metavar="NAME", help="a database")
    return parser


if __name__ == "__main__":
    sys.exit(main())
