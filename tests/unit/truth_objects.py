# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Readings of a bucket that are made once, and headers of backups that are read once.

A story reads the same few objects in each of its runs. Until something is written, the answers are the same.
"""

from __future__ import annotations

import oss2
from ansible_collections.apsaradb.migration.plugins.module_utils._alibaba import oss_access
from ansible_collections.apsaradb.migration.plugins.module_utils._alibaba.oss import OssClient
from ansible_collections.apsaradb.migration.plugins.module_utils._alibaba.oss_session import RenewedCredentials
from ansible_collections.apsaradb.migration.plugins.module_utils._databases import sqlserver_backup_header
from ansible_collections.apsaradb.migration.plugins.module_utils._databases.sqlserver_backup_header import (
    Windows,
    read_backup,
)
from apsara_emulator.oss.identity import Caller, OssVerifier, find_key


def _once(name):
    ask = getattr(OssClient, name)

    def answer(self, *question):
        known, key = self.wire.known_objects(), (self.endpoint, name, *question)
        if key not in known:
            found = ask(self, *question)
            known[key] = list(found) if name == "objects" else found
        return known[key]

    return answer


class TruthAuth(oss2.ProviderAuthV4):
    """Tells who asks, without the proof of it. URLs are signed as ever: the service has to be able to use them."""

    def __init__(self, provider, region):
        super().__init__(provider)
        self._region = region

    def _sign_request(self, req, bucket_name, key):
        req.headers["authorization"] = f"{self.credentials_provider.get_credentials().access_key_id} {self._region}"


class TruthVerifier(OssVerifier):
    """Believes who says so. Signatures have tests of their own."""

    def identify(self, request, bucket, key, accounts, variants, skew=0.0):
        access_key_id, region = request.headers["authorization"].split()
        account, _secret, guise = find_key(access_key_id, accounts)
        return Caller(account.account_id, access_key_id, region, guise)


class TruthOssClient(OssClient):
    """The client of OSS. wire: its TruthSession."""

    def __init__(self, endpoint, region, credentials, session, **how):
        super().__init__(endpoint, region, credentials, session, **how)
        self._auth = TruthAuth(RenewedCredentials(credentials), region)
        self.wire = session

    bucket = _once("bucket")
    owns = _once("owns")
    bucket_tags = _once("bucket_tags")
    objects = _once("objects")
    head = _once("head")
    read_range = _once("read_range")
    object_tags = _once("object_tags")


_HEADERS = {}


def header(file):
    """What read_backup() finds in a file that is as small as all of them here are."""
    if not isinstance(file, Windows):
        if file.path not in _HEADERS:
            _HEADERS[file.path] = read_backup(file)
        return _HEADERS[file.path]
    content = file.read(0, file.size)
    if content not in _HEADERS:
        _HEADERS[content] = read_backup(file)
    return _HEADERS[content]


def replace_readings(patch):
    patch.setattr(oss_access, "OssClient", TruthOssClient)
    patch.setattr(sqlserver_backup_header, "read_backup", header)
