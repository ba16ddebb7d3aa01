# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Write the bill of materials of a built collection as CycloneDX JSON, beside its tarball.

It lists what the collection needs where it runs, from the lowest version on, with licences, and ties itself to the
tarball by its hash. The tarball carries no library: which version is used, the user's installation decides.
"""

from __future__ import annotations

import datetime
import hashlib
import json
import pathlib
import sys
import tarfile
import uuid

import tomllib
import yaml
from cyclonedx.contrib.license.factories import LicenseFactory
from cyclonedx.model import HashAlgorithm, HashType, Property
from cyclonedx.model.bom import Bom
from cyclonedx.model.component import Component, ComponentScope, ComponentType
from cyclonedx.output.json import JsonV1Dot6
from packageurl import PackageURL
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

OURS = "GPL-3.0-or-later"
# As the projects state them; what their packages say is not always an identifier of SPDX.
LICENCES = {
    "aiohttp": "Apache-2.0 AND MIT",
    "alibabacloud-credentials": "Apache-2.0",
    "ansible-core": "GPL-3.0-or-later",
    "fastcrc": "MIT",
    "oss2": "MIT",
    "psycopg": "LGPL-3.0-only",
    "pymssql": "LGPL-2.1-or-later",
    "pymysql": "MIT",
    "pyyaml": "MIT",
    "requests": "Apache-2.0",
    "trustme": "MIT OR Apache-2.0",
}
# Modules of single ways need the others.
ALWAYS = {"ansible-core", "requests"}
EMULATOR = "tests/emulator/pyproject.toml"


def library(line: str) -> Component:
    """What a requirement asks for."""
    requirement = Requirement(line)
    name = canonicalize_name(requirement.name)
    return Component(
        name=name,
        type=ComponentType.LIBRARY,
        bom_ref=f"{name}{requirement.specifier}",
        purl=PackageURL("pypi", name=name),
        scope=ComponentScope.REQUIRED if name in ALWAYS else ComponentScope.OPTIONAL,
        licenses=[LicenseFactory().make_from_string(LICENCES[name])],
        properties=[Property(name="versions", value=str(requirement.specifier))],
    )


def ours(name: str, version: str, kind: ComponentType) -> Component:
    licences = [LicenseFactory().make_from_string(OURS)]
    return Component(name=name, version=version, type=kind, bom_ref=f"{name}=={version}", licenses=licences)


def collection_needs(tarball: tarfile.TarFile) -> list[Component]:
    core = yaml.safe_load(text_of(tarball, "meta/runtime.yml"))["requires_ansible"]
    lines = text_of(tarball, "meta/ee-requirements.txt").splitlines()
    wanted = [line for line in lines if line.strip() and not line.startswith("#")]
    return [library(line) for line in (f"ansible-core{core}", *wanted)]


def text_of(tarball: tarfile.TarFile, name: str) -> str:
    file = tarball.extractfile(name)
    if file is None:
        raise SystemExit(f"{name} is no file")
    return file.read().decode()


def bill(path: pathlib.Path) -> Bom:
    """The bill of materials of a tarball. It depends on the tarball only."""
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    with tarfile.open(path) as tarball:
        built = tarball.getmember("MANIFEST.json").mtime
        info = json.loads(text_of(tarball, "MANIFEST.json"))["collection_info"]
        project = tomllib.loads(text_of(tarball, EMULATOR))["project"]
        needed = collection_needs(tarball)
    root = ours(f"{info['namespace']}.{info['name']}", info["version"], ComponentType.LIBRARY)
    root.hashes.add(HashType(alg=HashAlgorithm.SHA_256, content=digest))
    emulator = ours(project["name"], project["version"], ComponentType.APPLICATION)
    emulator.scope = ComponentScope.OPTIONAL
    of_emulator = [library(line) for line in project["dependencies"]]
    bom = Bom(components=[*needed, emulator, *of_emulator], serial_number=uuid.uuid5(uuid.NAMESPACE_OID, digest))
    bom.metadata.component = root
    bom.metadata.timestamp = datetime.datetime.fromtimestamp(built, datetime.timezone.utc)
    bom.register_dependency(root, [*needed, emulator])
    bom.register_dependency(emulator, of_emulator)
    return bom


def faults(text: str) -> str:
    """What the schema of CycloneDX says against a bill of materials; needs the library's extra json-validation."""
    from cyclonedx.schema import SchemaVersion
    from cyclonedx.validation.json import JsonStrictValidator

    return str(JsonStrictValidator(SchemaVersion.V1_6).validate_str(text) or "")


def main() -> int:
    path = pathlib.Path(sys.argv[1])
    text = JsonV1Dot6(bill(path)).output_as_string(indent=2) + "\n"
    said = faults(text)
    if said:
        print(said, file=sys.stderr)
        return 1
    target = path.with_name(path.name.removesuffix(".tar.gz") + ".cdx.json")
    target.write_text(text)
    print(target)
    return 0


if __name__ == "__main__":
    sys.exit(main())
