# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Redirections, servers that are not who they say, and bodies without end: nothing of ours reaches anybody else."""

from __future__ import annotations

import contextlib
import http.server
import io
import pathlib
import ssl
import sys
import threading

import pytest
from ansible_collections.apsaradb.migration.plugins.module_utils._alibaba.oss_access import oss_client
from ansible_collections.apsaradb.migration.plugins.module_utils._alibaba.services import Services
from ansible_collections.apsaradb.migration.plugins.module_utils._failure import MigrationFailure
from ansible_collections.apsaradb.migration.plugins.module_utils._waiting import Clock
from ansible_collections.apsaradb.migration.tests.unit.backup_stage import BUCKET
from ansible_collections.apsaradb.migration.tests.unit.stage import CREDENTIALS
from requests.adapters import BaseAdapter

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

from hostile_stage import SCENES, Bounded, Endless, adapters, assert_clear, response, run_module

ELSEWHERE = [
    "http://attacker.example/",
    "https://attacker.example/x",
    "http://127.0.0.1:3/",
    "//attacker.example/",
    "/other",
]
TROUBLE = [301, 302, 303, 307, 308, 300, 305]


class Elsewhere(BaseAdapter):
    """Every other host. It keeps what reached it."""

    def __init__(self):
        super().__init__()
        self.received = []

    def send(self, request, **_how):
        self.received.append(request)
        return response(request, 200, {"x-oss-request-id": "1"}, b"{}")

    def close(self):
        """Nothing to close."""


@pytest.mark.parametrize("status", TROUBLE)
@pytest.mark.parametrize("name", SCENES)
def test_redirections_are_not_followed(name, status):
    places = ELSEWHERE if name in ("rds_instance_info", "oss_bucket") else ELSEWHERE[:1]
    for place in places:
        stage, wish = SCENES[name]()
        around = adapters(stage)
        elsewhere = Elsewhere()
        known = {prefix: adapter for prefix, adapter in stage.session.adapters.items() if adapter in around}
        for prefix in ("http://", "https://"):
            stage.session.mount(prefix, elsewhere)
        for prefix in known:
            # What was mounted for every address stands for one only.
            stage.session.mount("http://127.0.0.1:1" if prefix == "http://" else prefix, known[prefix])
        for adapter in around:
            adapter.change = lambda _n, _r, _s, _h, _b, place=place: (
                status, {"location": place, "x-oss-request-id": "1"}, b""
            )  # fmt: skip
        told = run_module(stage, name, **wish)
        assert_clear(told)
        assert elsewhere.received == []


class Greedy(http.server.BaseHTTPRequestHandler):
    """Keeps what it is sent."""

    def _keep(self):
        self.server.received.append(dict(self.headers))
        body = b'{"RequestId": "1"}'
        self.send_response(200)
        self.send_header("content-length", str(len(body)))
        self.send_header("x-oss-request-id", "1")
        self.end_headers()
        self.wfile.write(body)

    do_GET = do_POST = do_PUT = do_HEAD = _keep

    def log_message(self, *_arguments):
        """Nobody asks."""


@contextlib.contextmanager
def tls_server(authority, *names):
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Greedy)
    server.received = []
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(*names).configure_cert(context)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    server.handle_error = lambda *_whom: None
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()


def services(server, **options):
    address = f"https://127.0.0.1:{server.server_port}"
    given = {**CREDENTIALS, "rds_endpoint": address, "oss_endpoint": address, "region": "cn-hangzhou", **options}
    seconds = iter(range(0, 10**6, 30))
    clock = Clock(monotonic=lambda: float(next(seconds)), wall=__import__("time").time, sleep=lambda _seconds: None)
    return Services(given, read_only=True, clock=clock, environment={})


def ask_rds(services):
    return services.rds.call("DescribeDBInstanceAttribute", {"DBInstanceId": "rm-1"})


def ask_oss(services):
    return list(oss_client(services).objects(BUCKET))


@pytest.mark.parametrize("ask", [ask_rds, ask_oss])
def test_a_certificate_is_verified_before_anything_is_sent(ask, tmp_path):
    import trustme

    ours, other = trustme.CA(), trustme.CA()
    for name, authority in (("ours", ours), ("other", other)):
        authority.cert_pem.write_to_path(str(tmp_path / f"{name}.pem"))
    with tls_server(ours, "127.0.0.1") as server:
        for options in ({}, {"ca_path": str(tmp_path / "other.pem")}):
            with pytest.raises(MigrationFailure) as refused:
                ask(services(server, **options))
            assert refused.value.code == "certificate_not_accepted"
        assert server.received == []
        with contextlib.suppress(MigrationFailure):
            ask(services(server, ca_path=str(tmp_path / "ours.pem")))
        assert server.received
    with tls_server(ours, "somebody-else.example") as server:
        with pytest.raises(MigrationFailure) as refused:
            ask(services(server, ca_path=str(tmp_path / "ours.pem")))
        assert refused.value.code == "certificate_not_accepted"
        assert server.received == []


@pytest.mark.parametrize("status", [200, 400, 503])
def test_a_body_without_end_is_given_up(status):
    stage, wish = SCENES["rds_instance_info"]()
    bodies = []

    def change(_number, _request, _status, headers, _body):
        bodies.append(Endless(b"["))
        return status, headers, io.BufferedReader(bodies[-1])

    for adapter in adapters(stage):
        adapter.change = change
    with Bounded(seconds=30):
        told = run_module(stage, "rds_instance_info", **wish)
    assert_clear(told)
    assert told["failed"]
    assert max(body.given for body in bodies) < 40 * 2**20
