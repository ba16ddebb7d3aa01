# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Commits one row after the other to a server, and writes down each id once its commit was acknowledged.

usage: writer.py LOG, with the parameters of the connection as JSON on standard input. It goes on until it is killed,
also when the server refuses it for a while.
"""

from __future__ import annotations

import contextlib
import json
import sys
import time

import psycopg

login = {**json.load(sys.stdin), "autocommit": True, "connect_timeout": 3}
with open(sys.argv[1], "w", encoding="utf-8") as log:
    while True:
        with (
            contextlib.suppress(psycopg.Error),
            psycopg.connect(**login) as session,
        ):
            while True:
                row = session.execute("insert into orders select max(id) + 1, 1, 1 from orders returning id").fetchone()
                print(row[0], file=log, flush=True)
                time.sleep(0.01)
        time.sleep(0.02)
