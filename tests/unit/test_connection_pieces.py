# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Bodies are read as they come in, with the newest urllib3 and with old ones."""

from __future__ import annotations

import contextlib
import gzip
import http.client
import io
import socket

import pytest
import requests
from ansible_collections.apsaradb.migration.plugins.module_utils._alibaba.connection import Trust, pieces_of
from ansible_collections.apsaradb.migration.plugins.module_utils._alibaba.oss_session import OssSession
from urllib3 import HTTPResponse
from urllib3.exceptions import HTTPError

HEAD = b"HTTP/1.1 200 OK\r\n"
PLAIN = b"content-length: 5\r\n\r\n"
CHUNKED = b"transfer-encoding: chunked\r\n\r\n"


class OldResponse(HTTPResponse):
    """As before urllib3 2.1."""

    @property
    def read1(self):
        raise AttributeError("read1")


class Pool:
    """Where connections go back to."""

    def __init__(self):
        self.back = []

    def _put_conn(self, connection):
        self.back.append(connection)


class Line:
    """A connection whose other end writes `told` and waits."""

    def __init__(self, told, kind):
        self.ours, self.theirs = socket.socketpair()
        # Who waits for more than what is there fails soon.
        self.ours.settimeout(0.3)
        self.theirs.sendall(HEAD + told)
        bare = http.client.HTTPResponse(self.ours, method="GET")
        bare.begin()
        self.pool = Pool()
        how = {"original_response": bare, "pool": self.pool, "connection": self.ours, "preload_content": False}
        self.response = requests.Response()
        self.response.headers.update(bare.headers)
        self.response.raw = kind(body=bare, headers=dict(bare.headers), status=200, request_method="GET", **how)

    def close(self):
        self.ours.close()
        self.theirs.close()


@contextlib.contextmanager
def line(told, kind):
    made = Line(told, kind)
    with contextlib.closing(made):
        yield made


KINDS = pytest.mark.parametrize("kind", [HTTPResponse, OldResponse])


@KINDS
def test_what_is_there_is_not_waited_for(kind):
    with line(PLAIN + b"ab", kind) as made:
        pieces = pieces_of(made.response)
        assert next(pieces) == b"ab"
        made.theirs.sendall(b"cde")
        assert list(pieces) == [b"cde"]
        assert made.pool.back == [made.ours]


@KINDS
def test_chunks(kind):
    with line(CHUNKED + b"2\r\nab\r\n", kind) as made:
        pieces = pieces_of(made.response)
        assert next(pieces) == b"ab"
        made.theirs.sendall(b"3\r\ncde\r\n0\r\n\r\n")
        assert b"".join(pieces) == b"cde"
        assert made.pool.back == [made.ours]


@KINDS
@pytest.mark.parametrize("head", [PLAIN, CHUNKED + b"5\r\n"])
@pytest.mark.parametrize("closed", [True, False])
def test_what_breaks_off_is_no_end(kind, head, closed):
    """Neither a closed connection nor silence."""
    with line(head + b"ab", kind) as made:
        if closed:
            made.theirs.close()
        pieces = pieces_of(made.response)
        assert next(pieces) == b"ab"
        with pytest.raises(HTTPError):
            next(pieces)
        # What is used again is a connection that was closed, so it is opened anew.
        assert all(connection.fileno() == -1 for connection in made.pool.back)


@KINDS
def test_a_body_in_gzip(kind):
    body = gzip.compress(b"abcde")
    head = b"content-encoding: gzip\r\ncontent-length: %d\r\n\r\n" % len(body)
    with line(head + body, kind) as made:
        assert b"".join(pieces_of(made.response)) == b"abcde"


def test_a_body_that_is_any_file():
    """As in tests that replace what requests reads from."""
    response = requests.Response()
    response.raw = io.BytesIO(b"abcde")
    assert b"".join(pieces_of(response)) == b"abcde"


class Session:
    """Has one answer."""

    def __init__(self, response):
        self._response = response

    def request(self, *_what, **_how):
        return self._response


@KINDS
def test_oss_reads_in_time_with_any_library(kind):
    """Also where nothing but iter_content() is left, which oss2 was given ours for."""
    from oss2.http import Request

    body = gzip.compress(b"abcde")
    head = b"content-encoding: gzip\r\nx-oss-request-id: 1\r\ncontent-length: %d\r\n\r\n" % len(body)
    with line(head + body, kind) as made:
        made.response.status_code = 200
        session = OssSession(Session(made.response), Trust(), read_only=True)
        assert session.do_request(Request("GET", "http://127.0.0.1:2/"), 1).read() == b"abcde"


@KINDS
def test_oss_is_told_in_its_own_words_that_an_answer_broke_off(kind):
    from oss2.http import Request

    with line(b"x-oss-request-id: 1\r\n" + PLAIN + b"ab", kind) as made:
        made.theirs.close()
        made.response.status_code = 200
        session = OssSession(Session(made.response), Trust(), read_only=True)
        with pytest.raises(requests.ConnectionError):
            session.do_request(Request("GET", "http://127.0.0.1:2/"), 1).read()
