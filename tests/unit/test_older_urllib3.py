# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The lowest versions of requests come with a urllib3 that cannot read what is there already."""

from __future__ import annotations

import functools
import io

import requests
from ansible_collections.apsaradb.migration.plugins.module_utils._alibaba.connection import pieces_of


class OlderBody:
    """As urllib3 1.26: no read1()."""

    def stream(self, size, decode_content):
        body = io.BytesIO(b"0123456789" * 300)
        return iter(functools.partial(body.read, size), b"")


def test_a_body_is_read_whole_and_once():
    response = requests.Response()
    response.raw = OlderBody()
    # As the session for OSS does, to hold what is read to a limit.
    response.iter_content = lambda *_size: pieces_of(response)
    assert b"".join(response.iter_content()) == b"0123456789" * 300
