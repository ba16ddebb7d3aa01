# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Real PostgreSQL servers, the modules that talk to them, and connections that know nothing of the modules."""

from __future__ import annotations

import contextlib
import importlib

import pytest
from ansible.module_utils import basic
from ansible_collections.apsaradb.migration.tests.unit.stage import End, arguments

PASSWORD = "administratorSecret0001"
HBA = ("host all all 127.0.0.1/32 scram-sha-256", "host replication all 127.0.0.1/32 scram-sha-256")


def make_server(name, **settings):
    """A new running server whose superuser is `postgres`; skips where there are no server programs."""
    from apsara_emulator.postgresql.binaries import MISSING, found, preferred_major
    from apsara_emulator.postgresql.server import Server

    major = preferred_major()
    if major is None:
        pytest.skip(MISSING)
    server = Server(found()[major], name, settings, HBA)
    server.initialise(PASSWORD)
    server.start()
    return server


@contextlib.contextmanager
def running(*names, **settings):
    """Servers that are gone afterwards."""
    servers = []
    try:
        for name in names:
            servers.append(make_server(name, **settings))
        yield servers
    finally:
        for server in servers:
            server.remove()


def sql(server, statement, parameters=None, *, database="postgres", user="postgres", password=PASSWORD):
    """Rows of a statement, over a connection of its own that is over afterwards."""
    with session(server, database=database, user=user, password=password) as connection:
        cursor = connection.execute(statement, parameters)
        return cursor.fetchall() if cursor.description else []


def session(server, *, database="postgres", user="postgres", password=PASSWORD, **known):
    """A connection as an application makes it."""
    import psycopg

    return psycopg.connect(
        host="127.0.0.1",
        port=server.port,
        dbname=database,
        user=user,
        password=password,
        autocommit=True,
        **{"connect_timeout": 10, **known},
    )


def address(server, **other):
    """The options of a module that reach a server."""
    return {"host": "127.0.0.1", "port": server.port, "user": "postgres", "password": PASSWORD, **other}


def run(name, *, check=False, **options):
    """The result of a module that is run in this process; `failed` says which way it ended."""

    def exit_json(module, **result):
        raise End({**result, "failed": False})

    def fail_json(module, msg, **result):
        raise End({**result, "msg": msg, "failed": True})

    module = importlib.import_module(f"ansible_collections.apsaradb.migration.plugins.modules.{name}")
    with pytest.MonkeyPatch.context() as patch, arguments({**options, "_ansible_check_mode": check}):
        patch.setattr(basic.AnsibleModule, "exit_json", exit_json)
        patch.setattr(basic.AnsibleModule, "fail_json", fail_json)
        with pytest.raises(End) as end:
            module.main()
    return end.value.result


def checks(result):
    """The checks of a result by name."""
    return {check["name"]: check for check in result["checks"]}
