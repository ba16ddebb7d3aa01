# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""From method, host, path and query to what is wanted: bucket, key, action."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import unquote_to_bytes

from .errors import OssError
from .messages import OssRequest

_ENDPOINT_LABEL = re.compile(r"oss-([a-z]+-[a-z0-9-]+?)(-internal)?")

# Which sub-resource in the query makes which action, by method. The first that is there decides.
_BUCKET: Mapping[str, Mapping[str, str]] = {
    "PUT": {"acl": "PutBucketAcl", "encryption": "PutBucketEncryption", "tagging": "PutBucketTags", "": "PutBucket"},
    "GET": {
        "acl": "GetBucketAcl",
        "bucketInfo": "GetBucketInfo",
        "encryption": "GetBucketEncryption",
        "location": "GetBucketLocation",
        "stat": "GetBucketStat",
        "tagging": "GetBucketTags",
        "uploads": "ListMultipartUploads",
        "": "ListObjects",
    },
    "DELETE": {"encryption": "DeleteBucketEncryption", "tagging": "DeleteBucketTags", "": "DeleteBucket"},
    "POST": {"delete": "DeleteMultipleObjects"},
}
_OBJECT: Mapping[str, Mapping[str, str]] = {
    "PUT": {"tagging": "PutObjectTagging", "uploadId": "UploadPart", "": "PutObject"},
    "GET": {"tagging": "GetObjectTagging", "uploadId": "ListParts", "objectMeta": "GetObjectMeta", "": "GetObject"},
    "HEAD": {"objectMeta": "GetObjectMeta", "": "HeadObject"},
    "POST": {"uploads": "InitiateMultipartUpload", "uploadId": "CompleteMultipartUpload"},
    "DELETE": {"tagging": "DeleteObjectTagging", "uploadId": "AbortMultipartUpload", "": "DeleteObject"},
}
_SERVICE: Mapping[str, Mapping[str, str]] = {"GET": {"": "ListBuckets"}}
# Sub-resources that would be taken for something else if they were not known to be unknown here.
_ELSEWHERE = frozenset(
    "append bucketArchiveDirectRead cname comp cors httpsConfig inventory lifecycle live logging metaQuery objectInfo "
    "policy policyStatus publicAccessBlock qosInfo referer regions replication requestPayment resourceGroup restore "
    "style symlink transferAcceleration versioning versions website worm x-oss-async-process x-oss-process "
    "accessmonitor accessPoint redundancyTransition".split()
)


@dataclass(frozen=True)
class Target:
    """What a request is about. `region` is the one that its host names, or empty."""

    bucket: str
    key: str
    action: str
    region: str


def find_target(request: OssRequest) -> Target:
    """What the request is about. The action is empty if there is none such; OssError if the key is no text."""
    labels = _host_labels(request.headers.get("host", ""))
    bucket = labels[0] if _is_bucket_host(labels) else ""
    path = request.path[1:]
    if not bucket:
        bucket, _slash, path = path.partition("/")
        bucket = _decoded(bucket)
    key = _decoded(path)
    return Target(bucket, key, _action(request, bucket, key), _region(labels))


def endpoint_region(endpoint: str) -> str:
    """The region that an endpoint names, or nothing."""
    return _region(_host_labels(endpoint))


def _host_labels(host: str) -> list[str]:
    name = host.rsplit("@", 1)[-1].lower()
    name = name[: name.index("]") + 1] if name.startswith("[") and "]" in name else name.partition(":")[0]
    try:
        ipaddress.ip_address(name.strip("[]"))
    except ValueError:
        return name.strip(".").split(".")
    return []


def _is_bucket_host(labels: list[str]) -> bool:
    """`bucket.anything`; but not an address, a bare name, or an endpoint of the service itself."""
    if len(labels) < 2:
        return False
    return labels[0] != "oss" and (_is_endpoint(labels[1]) or not _is_endpoint(labels[0]))


def _is_endpoint(label: str) -> bool:
    return label == "oss" or label.startswith("oss-")


def _region(labels: list[str]) -> str:
    for label in labels[:2]:
        found = _ENDPOINT_LABEL.fullmatch(label)
        if found and (label != labels[0] or not _is_bucket_host(labels)):
            return found[1]
    return ""


def _decoded(text: str) -> str:
    try:
        return unquote_to_bytes(text.encode("utf-8", "surrogateescape")).decode("utf-8")
    except UnicodeDecodeError:
        raise OssError("InvalidObjectName", 400, "The name of the object is not UTF-8.") from None


def _action(request: OssRequest, bucket: str, key: str) -> str:
    table = _OBJECT if key else _BUCKET if bucket else _SERVICE
    given = dict(request.query)
    if _ELSEWHERE & given.keys():
        return ""
    choices = table.get(request.method, {})
    action = next((choices[name] for name in choices if name and name in given), choices.get("", ""))
    copies = "x-oss-copy-source" in request.headers
    if action == "ListObjects" and given.get("list-type") == "2":
        return "ListObjectsV2"
    return {"PutObject": "CopyObject", "UploadPart": "UploadPartCopy"}.get(action, action) if copies else action
