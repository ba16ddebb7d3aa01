# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One upload by one of the contestants, in a process of its own.

Prints a JSON line: `seconds` of the upload, `cpu` seconds of it, `peak` memory of the whole process in bytes.
"""

from __future__ import annotations

import json
import pathlib
import resource
import sys
import tempfile
import time

KEY_ID, SECRET = "LTAI5tBenchmark0000001", "benchmarkSecretThatSignsNothing"
REGION = "cn-hangzhou"


def ours(endpoint: str, path: str, bucket: str) -> None:
    from ansible_collections.apsaradb.migration.plugins.module_utils._alibaba.oss_access import oss_client
    from ansible_collections.apsaradb.migration.plugins.module_utils._alibaba.oss_upload import Wish, upload
    from ansible_collections.apsaradb.migration.plugins.module_utils._alibaba.services import Services

    options = {
        "access_key_id": KEY_ID,
        "access_key_secret": SECRET,
        "region": REGION,
        "oss_endpoint": endpoint,
    }
    client = oss_client(Services(options, read_only=False))
    client.head(bucket, "warm-up")
    with measured():
        done = upload(client, Wish(path, bucket, "ours.bak"))
    if bucket != "unsummed" and not done.verified:
        raise SystemExit("nothing was compared")


def ours_unsummed(endpoint: str, path: str, bucket: str) -> None:
    from ansible_collections.apsaradb.migration.plugins.module_utils._alibaba import oss_upload_file

    vars(oss_upload_file)["crc64"] = lambda data, before=0: 0
    ours(endpoint, path, "unsummed")


def oss2(endpoint: str, path: str, bucket: str) -> None:
    import oss2 as peer

    client = peer.Bucket(peer.Auth(KEY_ID, SECRET), endpoint, bucket)
    with tempfile.TemporaryDirectory() as place, measured():
        peer.resumable_upload(client, "oss2.bak", path, store=peer.ResumableStore(root=place))


def oss_v2(endpoint: str, path: str, bucket: str) -> None:
    import alibabacloud_oss_v2 as peer

    settings = peer.config.load_default()
    settings.credentials_provider = peer.credentials.StaticCredentialsProvider(KEY_ID, SECRET)
    settings.region, settings.endpoint = REGION, endpoint
    uploader = peer.Client(settings).uploader()
    with measured():
        uploader.upload_file(peer.PutObjectRequest(bucket=bucket, key="oss-v2.bak"), path)


class measured:
    """Prints what its block took."""

    def __enter__(self) -> None:
        self._cpu, self._start = time.process_time(), time.perf_counter()

    def __exit__(self, kind: object, *_rest: object) -> None:
        seconds, cpu = time.perf_counter() - self._start, time.process_time() - self._cpu
        if kind is None:
            peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
            print(json.dumps({"seconds": seconds, "cpu": cpu, "peak": peak}), flush=True)


CONTESTANTS = {"ours": ours, "ours-unsummed": ours_unsummed, "oss2": oss2, "oss-v2": oss_v2}

if __name__ == "__main__":
    # .nox/types holds the tree in which the collection is importable by its name.
    sys.path.insert(0, str(pathlib.Path(sys.argv[4])))
    CONTESTANTS[sys.argv[1]](sys.argv[2], sys.argv[3], "bench")
