# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""`python -m apsara_emulator`: serve a world until told to stop."""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import signal
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from . import documents
from .clock import WallClock
from .default_world import default_document
from .errors import DocumentError
from .first_steps import first_steps
from .gateway import Gateway
from .http_server import HttpServer, Urls
from .oss.storage import BlobStore
from .secret_log import SecretLog, secrets_in
from .variants import parse_variants
from .world import World, read_world_file


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve. 0 after SIGTERM or SIGINT, 2 if the command line, the world or the port cannot be used."""
    options = _parser().parse_args(arguments)
    try:
        variants = parse_variants(options.variants, options.seed)
        clock = WallClock()
        store = BlobStore(options.data, options.discard_data)
        world = World(_document(options), clock, options.speed, variants, store)
        # Time stamps are judged by the real time, also after the world's clock was put forward.
        asyncio.run(_serve(Gateway(world, stamp_clock=WallClock()), options))
    except (DocumentError, OSError) as error:
        print(f"apsara_emulator: {error}", file=sys.stderr)
        return 2
    return 0


def _document(options: argparse.Namespace) -> Mapping[str, Any]:
    """The world to start with; limits of the command line come before its own."""
    document = read_world_file(Path(options.world)) if options.world else default_document()
    limits = {"requests_per_second": options.requests_per_second, "latency": options.latency}
    given = {name: limit for name, limit in limits.items() if limit is not None}
    return documents.merged(document, {"quotas": given}) if given else document


async def _serve(gateway: Gateway, options: argparse.Namespace) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    ports = (options.port, options.control_port, options.tls, options.oss_port)
    secrets = SecretLog(options.secrets) if options.secrets else None
    if secrets is not None:
        secrets.note(secrets_in(gateway.world.to_document()))
    async with HttpServer(gateway, options.host, *ports, secrets) as urls:
        ready = ready_line(gateway.world, urls)
        print(json.dumps(ready), flush=True)
        # Programs read the line above; somebody at a terminal reads this.
        if sys.stderr.isatty():
            print(first_steps(ready, _first_instance(gateway.world), os.environ.get("SHELL", "")), file=sys.stderr)
        await stop.wait()


def _first_instance(world: World) -> str:
    """An instance of the account that is told first, or nothing."""
    account = next(iter(world.state.accounts), "")
    return next((one.id for one in world.state.instances.values() if one.account_id == account), "")


def ready_line(world: World, urls: Urls) -> dict[str, object]:
    """What a caller needs to know, as printed when the emulator is ready.

    All services but OSS answer on one port; a call's version says which is meant.
    """
    accounts = world.state.accounts.values()
    line: dict[str, object] = dict.fromkeys(("rds", "dts", "ram", "sts"), urls.api)
    line["oss"] = urls.oss
    line["control"] = urls.control
    line["accounts"] = [
        {
            "access_key_id": key.access_key_id,
            "access_key_secret": key.access_key_secret,
            "account_id": account.account_id,
        }
        for account in accounts
        for key in account.access_keys
    ]
    line["bearer_tokens"] = [
        {"bearer_token": token, "account_id": account.account_id}
        for account in accounts
        for token in account.bearer_tokens
    ]
    line["variants"] = dict(world.variants)
    if urls.ca_path:
        line["ca_path"] = urls.ca_path
    return line


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="apsara_emulator", description="A stand-in for ApsaraDB RDS.")
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default: only this computer)")
    parser.add_argument("--port", type=int, default=0, help="port of the services (default: a free one)")
    parser.add_argument("--control-port", type=int, default=0, help="port of the control interface")
    parser.add_argument("--oss-port", type=int, default=0, help="port of OSS")
    parser.add_argument("--data", help="folder for the data of OSS objects (default: the temporary one)")
    parser.add_argument("--discard-data", action="store_true", help="keep checksums of OSS objects, not their data")
    parser.add_argument("--speed", type=float, default=1.0, help="what durations are divided by")
    parser.add_argument("--requests-per-second", type=int, help="calls of an account; more are throttled (0: no limit)")
    parser.add_argument("--latency", type=float, help="real seconds of the way of every request there and back")
    parser.add_argument("--world", help="JSON or YAML file with the world (default: two accounts, some instances)")
    parser.add_argument("--tls", action="store_true", help="serve HTTPS with a certificate made at the start")
    parser.add_argument(
        "--secrets", help="file that gets every secret given out or sent, for tests that search for them"
    )
    parser.add_argument("--variants", default="default", help="default, random, or name=value,name=value")
    parser.add_argument("--seed", type=int, default=0, help="what random variants are drawn with")
    return parser


if __name__ == "__main__":
    sys.exit(main())
