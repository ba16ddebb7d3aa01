# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Buckets and their settings."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from ..documents import Instant
from ..oss_model import Bucket
from .call import OssCall, action, bucket_of, extranet_endpoint
from .errors import OssError, invalid_argument, malformed_xml
from .library import BUCKET_ACLS, STORAGE_CLASSES
from .messages import OssResponse
from .objects import iso, tagging_xml, tags_of_document
from .xml_text import XML_TYPE, Node, as_xml, parse_xml, text_of

if TYPE_CHECKING:
    from ..world import World

_NAME = re.compile("[a-z0-9][a-z0-9-]{1,61}[a-z0-9]")
_ENCRYPTIONS = ("AES256", "KMS", "SM4")
_REDUNDANCIES = ("LRS", "ZRS")
_MAX_BUCKET_TAGS = 20


def check_bucket_name(name: str) -> None:
    """OssError InvalidBucketName unless a bucket may be called so."""
    if not _NAME.fullmatch(name):
        raise OssError("InvalidBucketName", 400, "The specified bucket is not valid.", BucketName=name[:256])


@action("PutBucket", mutating=True, needs_bucket=False)
def put_bucket(world: World, call: OssCall) -> OssResponse:
    check_bucket_name(call.bucket)
    storage_class, redundancy, location = _settings(call)
    acl = call.header("x-oss-acl") or call.header("x-oss-bucket-acl")
    _check_acl(acl or "private")
    with world.lock:
        there = world.state.buckets.get(call.bucket)
        if there is not None:
            return _put_again(world, call, there, acl)
        region = call.target.region or call.caller.region or location or world.state.regions[0].region
        if location and location != region:
            text = f"The endpoint of {region} does not make buckets in {location}."
            raise OssError.of_variant(world.variants["oss_wrong_location"], text, LocationConstraint=location)
        world.state.buckets[call.bucket] = Bucket(
            account_id=call.caller.account_id,
            name=call.bucket,
            region=region,
            storage_class=storage_class,
            redundancy=redundancy,
            acl=acl or "private",
            created=Instant(world.clock.now()),
        )
        call.took_effect = True
    return OssResponse(200, {"Location": f"/{call.bucket}"})


def _put_again(world: World, call: OssCall, there: Bucket, acl: str) -> OssResponse:
    own = there.account_id == call.caller.account_id
    if not own or world.variants["oss_own_bucket_again"] != "accepted":
        text = "The requested bucket name is not available. Please select a different name and try again."
        raise OssError("BucketAlreadyExists", 409, text, BucketName=call.bucket)
    if acl:
        call.took_effect = there.acl != acl
        there.acl = acl
    return OssResponse(200, {"Location": f"/{call.bucket}"})


def _settings(call: OssCall) -> tuple[str, str, str]:
    """Storage class, redundancy and region (may be empty) of a new bucket."""
    body = call.request.document()
    if not body:
        return call.header("x-oss-storage-class") or "Standard", "LRS", ""
    document = parse_xml(body, "CreateBucketConfiguration")
    storage_class = text_of(document, "StorageClass") or "Standard"
    redundancy = text_of(document, "DataRedundancyType") or "LRS"
    if storage_class not in STORAGE_CLASSES:
        raise OssError("InvalidStorageClass", 400, f"There is no storage class {storage_class[:32]}.")
    if redundancy not in _REDUNDANCIES:
        raise invalid_argument("DataRedundancyType", redundancy)
    return storage_class, redundancy, text_of(document, "LocationConstraint").removeprefix("oss-")


def _check_acl(acl: str) -> None:
    if acl not in BUCKET_ACLS:
        raise invalid_argument("x-oss-acl", acl, f"The ACL is one of {', '.join(BUCKET_ACLS)}.")


@action("DeleteBucket", mutating=True)
def delete_bucket(world: World, call: OssCall) -> OssResponse:
    with world.lock:
        bucket = bucket_of(world, call)
        if bucket.objects or bucket.uploads:
            text = "The bucket you tried to delete is not empty."
            raise OssError("BucketNotEmpty", 409, text, BucketName=call.bucket)
        del world.state.buckets[call.bucket]
        call.took_effect = True
    return OssResponse(204)


def _xml(root: str, content: list[Node]) -> OssResponse:
    return OssResponse(200, {"Content-Type": XML_TYPE}, as_xml(root, content))


@action("GetBucketInfo")
def get_bucket_info(world: World, call: OssCall) -> OssResponse:
    with world.lock:
        bucket = bucket_of(world, call)
        rule: list[Node] = [("SSEAlgorithm", bucket.encryption or "None")]
        if bucket.encryption_key_id:
            rule.append(("KMSMasterKeyID", bucket.encryption_key_id))
        content: list[Node] = [
            ("CreationDate", iso(bucket.created or 0.0)),
            ("ExtranetEndpoint", extranet_endpoint(bucket.region)),
            ("IntranetEndpoint", extranet_endpoint(f"{bucket.region}-internal")),
            ("Location", f"oss-{bucket.region}"),
            ("StorageClass", bucket.storage_class),
            ("DataRedundancyType", bucket.redundancy),
            ("TransferAcceleration", "Disabled"),
            ("CrossRegionReplication", "Disabled"),
            ("Name", bucket.name),
            ("Owner", _owner(bucket)),
            ("AccessControlList", [("Grant", bucket.acl)]),
            ("ServerSideEncryptionRule", rule),
        ]
        return _xml("BucketInfo", [("Bucket", content)])


def _owner(bucket: Bucket) -> list[Node]:
    return [("ID", bucket.account_id), ("DisplayName", bucket.account_id)]


@action("GetBucketLocation")
def get_bucket_location(world: World, call: OssCall) -> OssResponse:
    with world.lock:
        location = f"oss-{bucket_of(world, call).region}"
    return OssResponse(200, {"Content-Type": XML_TYPE}, as_xml("LocationConstraint", location))


@action("GetBucketStat")
def get_bucket_stat(world: World, call: OssCall) -> OssResponse:
    with world.lock:
        bucket = bucket_of(world, call)
        parts = [part.size for upload in bucket.uploads.values() for part in upload.parts.values()]
        standard = [one.size for one in bucket.objects.values() if one.storage_class == "Standard"]
        content: list[Node] = [
            ("Storage", sum(one.size for one in bucket.objects.values()) + sum(parts)),
            ("ObjectCount", len(bucket.objects)),
            ("MultipartUploadCount", len(bucket.uploads)),
            ("MultipartPartCount", len(parts)),
            ("StandardStorage", sum(standard)),
            ("StandardObjectCount", len(standard)),
        ]
    return _xml("BucketStat", content)


@action("GetBucketAcl")
def get_bucket_acl(world: World, call: OssCall) -> OssResponse:
    with world.lock:
        bucket = bucket_of(world, call)
        return _xml("AccessControlPolicy", [("Owner", _owner(bucket)), ("AccessControlList", [("Grant", bucket.acl)])])


@action("PutBucketAcl", mutating=True)
def put_bucket_acl(world: World, call: OssCall) -> OssResponse:
    acl = call.header("x-oss-acl") or call.header("x-oss-bucket-acl")
    _check_acl(acl)
    with world.lock:
        bucket_of(world, call).acl = acl
        call.took_effect = True
    return OssResponse(200)


@action("GetBucketEncryption")
def get_bucket_encryption(world: World, call: OssCall) -> OssResponse:
    with world.lock:
        bucket = bucket_of(world, call)
        if not bucket.encryption:
            text = "The server side encryption rule does not exist."
            raise OssError("NoSuchServerSideEncryptionRule", 404, text, BucketName=call.bucket)
        rule: list[Node] = [("SSEAlgorithm", bucket.encryption), ("KMSMasterKeyID", bucket.encryption_key_id)]
        return _xml("ServerSideEncryptionRule", [("ApplyServerSideEncryptionByDefault", rule)])


@action("PutBucketEncryption", mutating=True)
def put_bucket_encryption(world: World, call: OssCall) -> OssResponse:
    document = parse_xml(call.request.document(), "ServerSideEncryptionRule")
    rule = document.find("ApplyServerSideEncryptionByDefault")
    if rule is None or text_of(rule, "SSEAlgorithm") not in _ENCRYPTIONS:
        raise malformed_xml()
    with world.lock:
        bucket = bucket_of(world, call)
        bucket.encryption = text_of(rule, "SSEAlgorithm")
        bucket.encryption_key_id = text_of(rule, "KMSMasterKeyID")
        call.took_effect = True
    return OssResponse(200)


@action("DeleteBucketEncryption", mutating=True)
def delete_bucket_encryption(world: World, call: OssCall) -> OssResponse:
    with world.lock:
        bucket = bucket_of(world, call)
        call.took_effect = bool(bucket.encryption)
        bucket.encryption = bucket.encryption_key_id = ""
    return OssResponse(204)


@action("GetBucketTags")
def get_bucket_tags(world: World, call: OssCall) -> OssResponse:
    with world.lock:
        return OssResponse(200, {"Content-Type": XML_TYPE}, tagging_xml(bucket_of(world, call).tags))


@action("PutBucketTags", mutating=True)
def put_bucket_tags(world: World, call: OssCall) -> OssResponse:
    tags = tags_of_document(call, _MAX_BUCKET_TAGS)
    with world.lock:
        bucket_of(world, call).tags = tags
        call.took_effect = True
    return OssResponse(200)


@action("DeleteBucketTags", mutating=True)
def delete_bucket_tags(world: World, call: OssCall) -> OssResponse:
    with world.lock:
        bucket_of(world, call).tags = {}
        call.took_effect = True
    return OssResponse(204)
