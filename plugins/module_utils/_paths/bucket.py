# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is private to the collection.

"""A bucket as a migration needs it: there and fitting, or gone.

A bucket that is there is never altered: other people's data may depend on its ACL or encryption, so what does not fit
is told. What this collection made carries a tag, and only that is emptied.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import islice
from typing import TYPE_CHECKING, Any, NamedTuple

from .._alibaba import rds_instances
from .._alibaba.errors import ServiceError
from .._alibaba.oss_access import oss_client
from .._alibaba.oss_model import Bucket, Unfinished, wrong_bucket_name
from .._failure import MigrationFailure, refuse_options
from .._plan import FAIL, PASS, WARN, Check, Plan, Step
from .bucket_checks import bucket_checks, instance_checks

if TYPE_CHECKING:
    from .._alibaba.oss import OssClient
    from .._alibaba.services import Services

STANDARD, PRIVATE = "Standard", "private"
MARK = {"made-by": "apsaradb.migration"}
CREATE, TAG, ABORT, EMPTY, DELETE = (
    "PutBucket",
    "PutBucketTags",
    "AbortMultipartUpload",
    "DeleteMultipleObjects",
    "DeleteBucket",
)


class Request(NamedTuple):
    """instance_id: empty where no instance decides about the region. force: whether objects may be deleted."""

    name: str
    state: str
    instance_id: str = ""
    region: str = ""
    force: bool = False


class Observed(NamedTuple):
    """bucket: None if there is none. refused: the service's refusal to tell. region: where the bucket is wanted.

    keys and uploads: what is in it, looked for where it is to be deleted.
    """

    region: str | None
    bucket: Bucket | None = None
    refused: ServiceError | None = None
    owned: bool | None = None
    tags: Mapping[str, str] = {}
    instance_missing: bool = False
    instance_region: str | None = None
    keys: tuple[str, ...] = ()
    uploads: tuple[Unfinished, ...] = ()

    @property
    def marked(self) -> bool:
        return all(self.tags.get(name) == value for name, value in MARK.items())

    @property
    def empty(self) -> bool:
        return not self.keys and not self.uploads


def read_request(options: Mapping[str, Any]) -> Request:
    """The module's options as a Request. Raises BadRequest with everything that is wrong at once."""
    problems = []
    if wrong_bucket_name(options["name"]):
        problems.append(f"name: {wrong_bucket_name(options['name'])}")
    if options["force"] and options["state"] == "present":
        problems.append("force belongs to state: absent")
    refuse_options(problems)
    return Request(
        name=options["name"],
        state=options["state"],
        instance_id=(options["instance_id"] or "").strip(),
        region=(options["region"] or "").strip(),
        force=options["force"],
    )


class BucketPath:
    """The path as the door runs it."""

    name = "oss_bucket"

    def __init__(self, services: Services, request: Request) -> None:
        self._services = services
        self._request = request
        self._client: OssClient | None = None

    def observe(self) -> Observed:
        request = self._request
        instance = rds_instances.instance(self._services.rds, request.instance_id) if request.instance_id else None
        instance_region = instance.region if instance else None
        missing = bool(request.instance_id) and instance is None
        if missing and not request.region:
            return Observed(region=None, instance_missing=True)
        self._client = client = oss_client(self._services, instance_region or "")
        seen = Observed(region=client.region, instance_missing=missing, instance_region=instance_region)
        return self._with_bucket(client, seen)

    def check(self, observed: Observed) -> list[Check]:
        return checks(self._request, observed)

    def plan(self, observed: Observed) -> Plan:
        return plan(self._request, observed)

    def apply(self, step: Step) -> None:
        client, name = self._client, self._request.name
        if client is None:
            raise MigrationFailure(f"{step.action} was asked for before anything was read.", code="not_observed")
        if step.action == CREATE:
            client.create_bucket(name, storage_class=STANDARD, acl=PRIVATE)
        elif step.action == TAG:
            client.tag_bucket(name, MARK)
        elif step.action == ABORT:
            for upload in client.uploads(name):
                client.abort_upload(name, upload.key, upload.upload_id)
        elif step.action == EMPTY:
            client.delete_objects(name, [listed.key for listed in client.objects(name)])
        else:
            client.delete_bucket(name)

    def wait(self, observed: Observed) -> Observed:
        """Nothing takes time here; what is, is read once more."""
        return self.observe()

    def facts(self, observed: Observed, rehearsed: Plan | None) -> dict[str, Any]:
        found = observed.bucket
        if rehearsed is not None and rehearsed.steps:
            found = _wanted(self._request, observed) if self._request.state == "present" else None
        return {
            "name": self._request.name,
            "region": (found.region if found else None) or observed.region,
            "instance_id": self._request.instance_id or None,
            "bucket": _facts(found, observed) if found else None,
        }

    def _with_bucket(self, client: OssClient, seen: Observed) -> Observed:
        name = self._request.name
        try:
            found = client.bucket(name)
        except ServiceError as error:
            if error.code != "AccessDenied":
                raise
            return seen._replace(refused=error)
        if found is None:
            return seen
        seen = seen._replace(bucket=found, owned=client.owns(name), tags=client.bucket_tags(name))
        if self._request.state == "present":
            return seen
        # All of them only where they are deleted; one shows that it is not empty.
        most = None if self._request.force else 1
        keys = tuple(listed.key for listed in islice(client.objects(name), most))
        return seen._replace(keys=keys, uploads=tuple(client.uploads(name)))


def checks(request: Request, observed: Observed) -> list[Check]:
    """Of a bucket that is wanted: all that a migration needs. Of one that is to go: that nothing of others is lost."""
    items = instance_checks(request.instance_id, observed)
    if observed.refused:
        return [*items, Check("bucket_access", FAIL, observed.refused.message, observed.refused.remedy)]
    if observed.bucket is None:
        return items
    if request.state == "present":
        return [*items, *(_strictly(check) for check in _bucket_checks(request, observed))]
    # Deleting is refused by the service where it is not allowed; whose it is, is for the reader.
    owner = [check for check in _bucket_checks(request, observed) if check.name == "bucket_owner"]
    return [*items, *owner, *_emptiness_checks(request, observed, observed.bucket)]


def plan(request: Request, observed: Observed) -> Plan:
    """The steps to the wanted state. Pure."""
    found = observed.bucket
    state = "present" if found else "absent"
    before = {"name": request.name, "state": state}
    if observed.refused or (observed.instance_missing and observed.region is None):
        return Plan(
            state="unknown", predicted_state="unknown", before={**before, "state": "unknown"},
            after={**before, "state": "unknown"}, unknown=f"whether there is a bucket {request.name} is not told",
        )  # fmt: skip
    steps: tuple[Step, ...] = ()
    if request.state == "present" and not found:
        steps = _creation(request, observed)
    elif request.state == "absent" and found:
        steps = _deletion(request, observed)
    predicted = request.state if steps else state
    return Plan(state, steps, predicted, before, {**before, "state": predicted})


def _creation(request: Request, observed: Observed) -> tuple[Step, ...]:
    def step(action: str, why: str, parameters: Mapping[str, Any]) -> Step:
        return Step(action, request.name, (request.name,), why, parameters)

    wanted = {"Region": observed.region, "StorageClass": STANDARD, "Acl": PRIVATE}
    return (
        step(CREATE, f"there is no bucket {request.name}", wanted),
        step(TAG, "so that it can be told from buckets of others", {"Tags": dict(MARK)}),
    )


def _deletion(request: Request, observed: Observed) -> tuple[Step, ...]:
    def step(action: str, why: str, parameters: Mapping[str, Any] | None = None) -> Step:
        return Step(action, request.name, (request.name,), why, parameters or {}, choices=choices)

    choices = {"force": True} if request.force else {}
    steps = []
    if request.force and observed.marked and observed.uploads:
        steps.append(step(ABORT, f"{len(observed.uploads)} unfinished uploads are in it"))
    if request.force and observed.marked and observed.keys:
        steps.append(step(EMPTY, f"{len(observed.keys)} objects are in it"))
    return (*steps, step(DELETE, f"the bucket {request.name} is there"))


def _bucket_checks(request: Request, observed: Observed) -> list[Check]:
    region = observed.instance_region or observed.region
    return bucket_checks(request.name, observed.bucket, region=region, owned=observed.owned)


def _strictly(check: Check) -> Check:
    """Private is part of what is asked for; RDS alone would not mind."""
    return check._replace(status=FAIL) if check.name == "bucket_private" and check.status == WARN else check


def _emptiness_checks(request: Request, observed: Observed, found: Bucket) -> list[Check]:
    items = []
    if observed.empty:
        items.append(Check("bucket_empty", PASS, f"{request.name} is empty"))
    elif request.force and observed.marked:
        text = f"{len(observed.keys)} objects and {len(observed.uploads)} unfinished uploads are deleted with it."
        items.append(Check("bucket_empty", WARN, text, "Leave force out to keep them."))
    elif observed.marked:
        text = f"{request.name} holds objects or unfinished uploads."
        items.append(Check("bucket_empty", FAIL, text, "Set force: true to delete them with the bucket."))
    else:
        text = f"{request.name} holds objects or unfinished uploads and was not made by this collection."
        items.append(Check("bucket_empty", FAIL, text, "Empty it by other means first; force does not apply to it."))
    if found.versioning and not observed.empty:
        text = f"{request.name} keeps versions of objects ({found.versioning}), which are not deleted here."
        items.append(Check("bucket_versions", FAIL, text, "Delete the versions in the console first."))
    return items


def _wanted(request: Request, observed: Observed) -> Bucket:
    """The bucket as it will be."""
    return Bucket(request.name, None, observed.region, STANDARD, PRIVATE, "", None, None, None, None)


def _facts(found: Bucket, observed: Observed) -> dict[str, Any]:
    made_here = observed.marked if observed.bucket else True
    return {**found._asdict(), "encryption": found.encryption or None, "made_here": made_here}
