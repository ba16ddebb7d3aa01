# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What goes over real connections: who may send what, what is trusted, and what became of a call without an answer."""

from __future__ import annotations

import base64
import contextlib
import gzip
import json
import pathlib
import socket
import socketserver
import ssl
import subprocess
import sys
import threading
import time

import pytest
import trustme
from ansible_collections.apsaradb.migration.plugins.module_utils._alibaba import rpc_session
from ansible_collections.apsaradb.migration.plugins.module_utils._alibaba.connection import Trust
from ansible_collections.apsaradb.migration.plugins.module_utils._alibaba.errors import (
    AnswerLost,
    Misconfigured,
    ServiceError,
    Unreachable,
)
from ansible_collections.apsaradb.migration.plugins.module_utils._alibaba.oss_access import oss_client
from ansible_collections.apsaradb.migration.plugins.module_utils._alibaba.rds import RDS
from ansible_collections.apsaradb.migration.plugins.module_utils._alibaba.rpc import RpcClient
from ansible_collections.apsaradb.migration.plugins.module_utils._alibaba.rpc_retries import Retrying
from ansible_collections.apsaradb.migration.plugins.module_utils._alibaba.rpc_session import RpcSession
from ansible_collections.apsaradb.migration.plugins.module_utils._alibaba.services import Services
from ansible_collections.apsaradb.migration.plugins.module_utils._failure import MigrationFailure
from ansible_collections.apsaradb.migration.plugins.module_utils._waiting import Clock
from ansible_collections.apsaradb.migration.tests.unit.stage import CREDENTIALS
from apsara_emulator import ManualClock

READ, WRITE = "DescribeDBInstanceAttribute", "CancelImport"
NOTHING_SPECIAL = Trust()
IMPATIENT = Retrying(patience=0.0, unreachable=0.0)


def answer(body=None, *, status="200 OK", headers=()):
    body = json.dumps({"RequestId": "R-1"}).encode() if body is None else body
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", *headers]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


# What goes around the encryption of a connection that has one.
IN_PLAIN_TEXT = object()


class Connection(socketserver.StreamRequestHandler):
    """Reads requests and gives the server's answers; a None among them ends the connection without one."""

    timeout = 5

    def handle(self):
        self.server.connections += 1
        while (told := self._request()) is not None:
            self.server.requests.append(told)
            following = self.server.answers.pop(0) if self.server.answers else answer()
            if following is IN_PLAIN_TEXT:
                socket.socket.send(self.connection, answer(status="504 Gateway Timeout"))
                return
            if following is None:
                return
            for piece in following if isinstance(following, list) else [following]:
                time.sleep(0.05 if piece is not following else 0)
                self.wfile.write(piece)
            if told[0].startswith("CONNECT") and b" 200 " in following[:15]:
                self._tunnel(told[0].split()[1])
                return

    def _request(self):
        """(request line, headers, body)."""
        if self.rfile.peek(1)[:1] == b"\x16":  # the beginning of TLS, of which this server knows nothing
            self.wfile.write(answer(status="400 Bad Request"))
            return None
        first = self.rfile.readline().decode()
        if not first:
            return None
        headers = {}
        while (one := self.rfile.readline().decode().strip()) != "":
            name, _colon, value = one.partition(":")
            headers[name.lower()] = value.strip()
        return first.strip(), headers, self.rfile.read(int(headers.get("content-length", "0")))

    def _tunnel(self, place):
        host, port = place.split(":")
        with socket.create_connection((host, int(port))) as there:
            back = threading.Thread(target=_pass_on, args=(there, self.connection), daemon=True)
            back.start()
            _pass_on(self.connection, there)
            back.join(5)


def _pass_on(source, sink):
    try:
        while piece := source.recv(65536):
            sink.sendall(piece)
        sink.shutdown(socket.SHUT_WR)
    except OSError:
        """Either side may end first."""


class Server(socketserver.ThreadingTCPServer):
    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Connection)
        self.requests, self.answers, self.connections = [], [], 0
        self.port = self.server_address[1]

    def handle_error(self, *_whom):
        """A client that does not trust us hangs up."""


@pytest.fixture
def serve():
    """Starts servers; with an authority they speak TLS."""
    servers = []

    def start(authority=None):
        server = Server()
        if authority is not None:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            authority.issue_cert("127.0.0.1").configure_cert(context)
            server.socket = context.wrap_socket(server.socket, server_side=True)
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        servers.append(server)
        return server

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


def client_of(address, *, trust=NOTHING_SPECIAL, session=None):
    credentials = Services(CREDENTIALS, read_only=False, environment={}).credentials
    session = RpcSession(trust, {}) if session is None else session
    return RpcClient(RDS, address, credentials, session, read_only=False, trust=trust, retrying=IMPATIENT)


def plain(server):
    return client_of(f"http://127.0.0.1:{server.port}")


@pytest.fixture
def hostile_environment(monkeypatch, tmp_path, serve):
    """Somebody's ~/.netrc, proxies for everything, another authority: what would change what is sent."""
    proxy = serve()
    (tmp_path / ".netrc").write_text("machine 127.0.0.1 login somebody password hunter2\n")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("NETRC", str(tmp_path / ".netrc"))
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, f"http://127.0.0.1:{proxy.port}")
        monkeypatch.setenv(name.lower(), f"http://127.0.0.1:{proxy.port}")
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("CURL_CA_BUNDLE", str(tmp_path))
    return proxy


def test_nothing_of_the_user_s_environment_reaches_a_call(serve, hostile_environment):
    server = serve()
    options = {**CREDENTIALS, "rds_endpoint": f"http://127.0.0.1:{server.port}"}
    assert Services(options, read_only=True).rds.call(READ, {"DBInstanceId": "rm-1"})["RequestId"] == "R-1"
    ((line, headers, body),) = server.requests
    assert line == "POST /?DBInstanceId=rm-1 HTTP/1.1"
    assert headers["authorization"].startswith("ACS3-HMAC-SHA256 Credential=LTAI5tApsaraEmulator0001,")
    assert headers["host"] == f"127.0.0.1:{server.port}"
    assert (headers["content-length"], body) == ("0", b"")
    assert hostile_environment.requests == []


def test_nothing_of_the_user_s_environment_reaches_a_request_to_oss(serve, hostile_environment):
    server = serve()
    listing = b"<ListBucketResult><IsTruncated>false</IsTruncated></ListBucketResult>"
    server.answers.append(answer(listing, headers=["x-oss-request-id: 1"]))
    options = {**CREDENTIALS, "oss_endpoint": f"http://127.0.0.1:{server.port}", "region": "cn-hangzhou"}
    # Nobody waits where it is looked for elsewhere.
    moved = ManualClock()
    clock = Clock(monotonic=moved.now, wall=time.time, sleep=moved.sleep)
    assert list(oss_client(Services(options, read_only=True, clock=clock)).objects("a-bucket")) == []
    ((_line, headers, _body),) = server.requests
    assert headers["authorization"].startswith("OSS4-HMAC-SHA256 Credential=LTAI5tApsaraEmulator0001/")
    assert hostile_environment.requests == []


def test_connections_are_kept_and_cookies_are_not(serve):
    server = serve()
    server.answers = [answer(headers=["Set-Cookie: session=hunter2; Path=/"]), answer()]
    client = plain(server)
    client.call(READ, {"DBInstanceId": "rm-1"})
    client.call(READ, {"DBInstanceId": "rm-1"})
    assert server.connections == 1
    assert [("cookie" in headers) for _line, headers, _body in server.requests] == [False, False]


def test_a_connection_that_ended_meanwhile_is_opened_anew(serve):
    server = serve()
    server.answers = [answer(headers=["Connection: close"]), answer()]
    client = plain(server)
    client.call(WRITE, {"ImportId": "1"})
    client.call(WRITE, {"ImportId": "1"})
    assert len(server.requests) == 2


def test_a_redirection_is_not_followed(serve):
    server, elsewhere = serve(), serve()
    location = f"Location: http://127.0.0.1:{elsewhere.port}/"
    server.answers = [answer(b"", status="307 Temporary Redirect", headers=[location])]
    with pytest.raises(ServiceError) as caught:
        plain(server).call(WRITE, {"ImportId": "1"})
    assert caught.value.http_status == 307
    assert (len(server.requests), elsewhere.requests) == (1, [])


@pytest.mark.parametrize(
    "told",
    [
        None,
        b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n{}   ",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nnonsense\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 4\r\n\r\n{}{}",
        b"nothing of HTTP\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n" + b"X-Long: x\r\n" * 200 + b"\r\n",
    ],
    ids=["closed", "two lengths", "no chunk", "no gzip", "no HTTP", "too many headers"],
)
def test_a_write_without_an_answer_is_sent_once_and_its_outcome_is_open(serve, told):
    server = serve()
    server.answers = [told]
    with pytest.raises(AnswerLost):
        plain(server).call(WRITE, {"ImportId": "1"})
    assert len(server.requests) == 1


def test_plain_text_within_an_encrypted_connection_does_not_pass_for_a_call_that_never_left(serve, authority):
    """OpenSSL's words for it are the same as for an endpoint that does not speak TLS at all."""
    made, path = authority
    server = serve(made)
    server.answers = [IN_PLAIN_TEXT, IN_PLAIN_TEXT]
    address = f"https://127.0.0.1:{server.port}"
    with pytest.raises(AnswerLost):
        client_of(address, trust=Trust(ca_path=path)).call(WRITE, {"ImportId": "1"})
    assert len(server.requests) == 1
    options = {**CREDENTIALS, "oss_endpoint": address, "region": "cn-hangzhou", "ca_path": path}
    with pytest.raises(AnswerLost):
        oss_client(Services(options, read_only=False)).begin_upload("a-bucket", "key", {}, replace=False)
    assert len(server.requests) == 2


def test_an_answer_of_oss_that_contradicts_itself_leaves_the_outcome_open(serve):
    """requests tells it as a wrong header, which is what it says of one that it refuses to send, too."""
    server = serve()
    server.answers = [b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n{}   "]
    options = {**CREDENTIALS, "oss_endpoint": f"http://127.0.0.1:{server.port}", "region": "cn-hangzhou"}
    with pytest.raises(AnswerLost):
        oss_client(Services(options, read_only=False)).begin_upload("a-bucket", "key", {}, replace=False)
    assert len(server.requests) == 1


def test_a_refusal_of_oss_that_comes_in_two_pieces_is_read_whole(serve):
    """oss2 takes the first piece of what is said of a failure for all of it."""
    server = serve()
    told = b"<Error><Code>NoSuchBucket</Code><Message>There is none.</Message><RequestId>R-3</RequestId></Error>"
    whole = answer(told, status="404 Not Found", headers=["x-oss-request-id: R-3"])
    server.answers = [[whole[:-60], whole[-60:]]]
    options = {**CREDENTIALS, "oss_endpoint": f"http://127.0.0.1:{server.port}", "region": "cn-hangzhou"}
    assert oss_client(Services(options, read_only=True)).bucket("a-bucket") is None


def test_a_refusal_of_oss_that_comes_in_pieces_declares_no_type_of_its_own(serve):
    told = b'<!DOCTYPE x [<!ENTITY a "NoSuchBucket">]><Error><Code>&a;</Code><RequestId>R-3</RequestId></Error>'
    whole = answer(told, status="404 Not Found", headers=["x-oss-request-id: R-3"])
    one, two = (whole.index(word) + 4 for word in (b"DOCTYPE", b"ENTITY"))
    server = serve()
    server.answers = [[whole[:one], whole[one:two], whole[two:]]]
    options = {**CREDENTIALS, "oss_endpoint": f"http://127.0.0.1:{server.port}", "region": "cn-hangzhou"}
    with pytest.raises(MigrationFailure) as caught:
        oss_client(Services(options, read_only=False)).begin_upload("a-bucket", "key", {}, replace=False)
    assert caught.value.code != "NoSuchBucket"


@pytest.mark.parametrize("wait", [b"\xb2", b"-1", b"soon"])
def test_a_wait_that_is_no_number_is_none(serve, wait):
    server = serve()
    body = b'{"Code": "Throttling.User", "Message": "too many", "RequestId": "R-4"}'
    head = b"HTTP/1.1 400 Bad Request\r\nContent-Length: %d\r\nRetry-After: %s\r\n\r\n" % (len(body), wait)
    server.answers = [head + body]
    with pytest.raises(ServiceError) as caught:
        plain(server).call(WRITE, {"ImportId": "1"})
    assert (caught.value.code, caught.value.retry_after) == ("Throttling.User", None)


def test_silence_is_borne_for_so_long(serve):
    server = serve()
    server.answers = [b""]
    session = RpcSession(Trust(), {})

    class Hurried:
        def request(self, *what, timeout, **how):
            return session.request(*what, timeout=(timeout[0], 0.2), **how)

    with pytest.raises(AnswerLost) as caught:
        client_of(f"http://127.0.0.1:{server.port}", session=Hurried()).call(WRITE, {"ImportId": "1"})
    assert "ReadTimeoutError" in caught.value.message


def test_an_answer_in_gzip_is_read(serve):
    server = serve()
    told = gzip.compress(b'{"RequestId": "R-2"}')
    server.answers = [answer(told, headers=["Content-Encoding: gzip"])]
    assert plain(server).call(READ, {})["RequestId"] == "R-2"


def _free_port():
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return found.getsockname()[1]


@pytest.mark.parametrize(
    "address",
    ["http://127.0.0.1:{free}", "https://127.0.0.1:{plain}", "https://name.invalid", "https://a..b", "https://ü..b"],
)
def test_a_call_that_cannot_have_arrived_is_told_so(serve, address):
    server = serve()
    with pytest.raises(Unreachable) as caught:
        client_of(address.format(free=_free_port(), plain=server.port)).call(WRITE, {"SourcePassword": "hunter2"})
    assert "Nothing was sent" in caught.value.message
    assert "hunter2" not in caught.value.message
    assert server.requests == [] or not server.requests[0][0].startswith("POST")


# certificates


@pytest.fixture
def authority(tmp_path):
    made = trustme.CA()
    made.cert_pem.write_to_path(str(tmp_path / "ours.pem"))
    return made, str(tmp_path / "ours.pem")


def test_only_a_certificate_of_the_authority_is_trusted(serve, authority, tmp_path):
    made, path = authority
    server = serve(made)
    address = f"https://127.0.0.1:{server.port}"
    trustme.CA().cert_pem.write_to_path(str(tmp_path / "other.pem"))
    for trust in (Trust(), Trust(ca_path=str(tmp_path / "other.pem")), Trust(ca_path=str(tmp_path))):
        with pytest.raises(Misconfigured) as caught:
            client_of(address, trust=trust).call(READ, {})
        assert caught.value.code == "certificate_not_accepted"
    assert server.requests == []
    assert client_of(address, trust=Trust(ca_path=path)).call(READ, {})["RequestId"] == "R-1"
    session = RpcSession(Trust(), {"REQUESTS_CA_BUNDLE": path})
    assert client_of(address, session=session).call(READ, {})["RequestId"] == "R-1"


@pytest.mark.parametrize("content", [b"", b"no certificate", "der", "key"], ids=["empty", "text", "DER", "key"])
def test_authorities_that_cannot_be_read_are_named(serve, authority, tmp_path, content):
    made, path = authority
    if content == "der":
        content = ssl.PEM_cert_to_DER_cert(pathlib.Path(path).read_text())
    elif content == "key":
        content = made.private_key_pem.bytes()
    file = tmp_path / "authorities"
    file.write_bytes(content)
    server = serve(made)
    address = f"https://127.0.0.1:{server.port}"
    options = {**CREDENTIALS, "oss_endpoint": address, "region": "cn-hangzhou", "ca_path": str(file)}
    for call in (
        lambda: client_of(address, trust=Trust(ca_path=str(file))).call(READ, {}),
        lambda: oss_client(Services(options, read_only=True)).bucket("a-bucket"),
    ):
        with pytest.raises(Misconfigured) as caught:
            call()
        assert caught.value.code == "ca_path_invalid"
        assert "PEM" in caught.value.remedy
    assert server.requests == []


def test_who_signed_a_certificate_counts_behind_an_open_connection_too(serve, authority):
    made, path = authority
    open_one, server = serve(), serve(made)
    for trust, trusted in ((Trust(ca_path=path), True), (Trust(), False)):
        session = RpcSession(trust, {})
        client_of(f"http://127.0.0.1:{open_one.port}", session=session).call(READ, {})
        client = client_of(f"https://127.0.0.1:{server.port}", session=session, trust=trust)
        with contextlib.nullcontext() if trusted else pytest.raises(Misconfigured):
            assert client.call(READ, {})["RequestId"] == "R-1"


def test_without_certifi_the_authorities_of_the_system_are_trusted(serve, authority, monkeypatch):
    made, path = authority
    address = f"https://127.0.0.1:{serve(made).port}"
    monkeypatch.setitem(sys.modules, "certifi", None)
    with pytest.raises(Misconfigured):
        client_of(address).call(READ, {})
    monkeypatch.setenv("SSL_CERT_FILE", path)
    assert client_of(address).call(READ, {})["RequestId"] == "R-1"


def test_what_certifi_knows_is_trusted_by_default(serve, authority, monkeypatch):
    import certifi

    made, path = authority
    monkeypatch.setattr(certifi, "where", lambda: path)
    assert client_of(f"https://127.0.0.1:{serve(made).port}").call(READ, {})["RequestId"] == "R-1"


# proxies


def through(proxy, server, path):
    """What a call through a proxy leads to. Calls to this machine usually go straight."""
    session = RpcSession(Trust(ca_path=path), {})

    class Detour:
        def request(self, *what, proxies, **how):
            assert proxies == {}
            return session.request(*what, proxies={"https": proxy}, **how)

    return client_of(f"https://127.0.0.1:{server.port}", session=Detour()).call(WRITE, {"SourcePassword": "s3cret"})


@pytest.mark.parametrize("form", ["http://{login}127.0.0.1:{port}", "{login}127.0.0.1:{port}"])
@pytest.mark.parametrize("login", ["", "some%40body:p%2Fw@"])
def test_a_proxy_tunnels_and_sees_nothing(serve, authority, form, login):
    made, path = authority
    server, proxy = serve(made), serve()
    proxy.answers = [b"HTTP/1.1 200 Connection established\r\n\r\n"]
    assert through(form.format(login=login, port=proxy.port), server, path)["RequestId"] == "R-1"
    ((line, headers, _body),) = proxy.requests
    assert line.startswith(f"CONNECT 127.0.0.1:{server.port} ")
    expected = "Basic " + base64.b64encode(b"some@body:p/w").decode() if login else None
    assert headers.get("proxy-authorization") == expected
    assert [line for line, _headers, _body in server.requests] == ["POST /?SourcePassword=s3cret HTTP/1.1"]
    assert "proxy-authorization" not in server.requests[0][1]


@pytest.mark.parametrize("address", ["http://127.0.0.1:{proxy}", "http://127.0.0.1:{free}", "ftp://x:1"])
def test_a_proxy_that_opens_no_tunnel(serve, authority, address):
    made, path = authority
    server, proxy = serve(made), serve()
    proxy.answers = [answer(b"", status="403 Forbidden")]
    with pytest.raises(Unreachable) as caught:
        through(address.format(proxy=proxy.port, free=_free_port()), server, path)
    assert "proxy" in caught.value.remedy
    assert server.requests == []


def test_a_socks_proxy_needs_a_library(serve, authority, monkeypatch):
    made, path = authority
    server = serve(made)
    monkeypatch.setitem(sys.modules, "socks", None)
    with pytest.raises(Misconfigured) as caught:
        through("socks5://x:1", server, path)
    assert "pip install PySocks" in caught.value.remedy
    assert server.requests == []


def test_a_socks_proxy_is_told_the_login_as_it_is_meant(monkeypatch):
    """Older versions of urllib3 would pass on what stands in a URL."""
    told = []

    class Socks:
        @staticmethod
        def SOCKSProxyManager(url, **how):  # urllib3's name
            told.append((url, how["username"], how["password"]))
            raise ValueError

    monkeypatch.setitem(sys.modules, "socks", Socks)
    monkeypatch.setitem(sys.modules, "urllib3.contrib.socks", Socks)
    for login in ("some%40body:p%2Fw@", ""):
        with pytest.raises(MigrationFailure):
            client_of("https://rds.example.com", trust=Trust(proxy=f"socks5h://{login}x:1")).call(READ, {})
    assert told == [("socks5h://x:1", "some@body", "p/w"), ("socks5h://x:1", None, None)]


def test_without_requests_a_task_that_needs_it_says_so(monkeypatch):
    for name in ("oss2", "requests", "requests.adapters"):
        monkeypatch.setitem(sys.modules, name, None)
    options = {**CREDENTIALS, "oss_endpoint": "https://oss.example.com", "region": "cn-hangzhou"}
    with pytest.raises(MigrationFailure) as caught:
        oss_client(Services(options, read_only=True))
    assert caught.value.code == "missing_library"


def test_neither_proxy_nor_url_are_shown(serve, authority):
    made, path = authority
    server, proxy = serve(made), serve()
    proxy.answers = [answer(b"", status="407 Proxy Authentication Required")]
    with pytest.raises(MigrationFailure) as caught:
        through(f"http://somebody:hunter2@127.0.0.1:{proxy.port}", server, path)
    told = str(caught.value.as_result()) + caught.value.message
    assert "hunter2" not in told
    assert "s3cret" not in told


def test_a_call_does_not_load_requests(serve):
    """Every task pays for what it imports."""
    server = serve()
    options = {**CREDENTIALS, "rds_endpoint": f"http://127.0.0.1:{server.port}"}
    code = f"""
import sys
sys.path.insert(0, {str(pathlib.Path(rpc_session.__file__).parents[6])!r})
from ansible_collections.apsaradb.migration.plugins.module_utils._alibaba.services import Services
Services({options!r}, read_only=True).rds.call("DescribeDBInstanceAttribute", {{}})
print(sorted(name for name in ("requests", "urllib3") if name in sys.modules))
"""
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert told.stdout.strip() == "['urllib3']"
    assert len(server.requests) == 1
