# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Build the collection's tarball from a commit, byte for byte the same each time, whoever builds it and when.

ansible-galaxy builds it; what depends on the machine is then settled: the order of files, their times and owners. All
times are that of the commit, or SOURCE_DATE_EPOCH.
"""

from __future__ import annotations

import argparse
import gzip
import hashlib
import io
import json
import os
import pathlib
import subprocess
import sys
import tarfile
import tempfile

import cores

MANIFEST, FILES = "MANIFEST.json", "FILES.json"


def git(repository: pathlib.Path, *arguments: str) -> bytes:
    return subprocess.run(["git", "-C", str(repository), *arguments], stdout=subprocess.PIPE, check=True).stdout


def time_of(repository: pathlib.Path, commit: str) -> int:
    """Seconds since 1970."""
    return int(os.environ.get("SOURCE_DATE_EPOCH") or git(repository, "log", "-1", "--format=%ct", commit))


def galaxy_tarball(repository: pathlib.Path, commit: str, place: pathlib.Path) -> pathlib.Path:
    """Have ansible-galaxy build what the commit holds, and nothing that lies beside it."""
    source = place / "source"
    with tarfile.open(fileobj=io.BytesIO(git(repository, "archive", "--format=tar", commit))) as archive:
        # Python 3.11 has filters since 3.11.4. The archive is our own.
        if hasattr(tarfile, "data_filter"):
            archive.extraction_filter = tarfile.data_filter
        archive.extractall(source)
    galaxy = str(cores.VENV / "bin" / "ansible-galaxy")
    command = [galaxy, "collection", "build", "--output-path", str(place), str(source)]
    subprocess.run(command, stdout=subprocess.DEVNULL, check=True)
    return next(place.glob("*.tar.gz"))


def normalised(tarball: bytes, seconds: int) -> bytes:
    """The same files in a tarball that depends on nothing else."""
    contents: dict[str, bytes] = {}
    entries: dict[str, tarfile.TarInfo] = {}
    with tarfile.open(fileobj=io.BytesIO(tarball)) as archive:
        for entry in archive:
            entries[entry.name] = entry
            file = archive.extractfile(entry) if entry.isfile() else None
            contents[entry.name] = file.read() if file else b""
    contents[FILES] = in_order(contents[FILES])
    contents[MANIFEST] = sealed(contents[MANIFEST], contents[FILES])
    first = [MANIFEST, FILES]
    unpacked = io.BytesIO()
    with tarfile.open(fileobj=unpacked, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for name in [*first, *sorted(entries.keys() - set(first))]:
            archive.addfile(plain(entries[name], len(contents[name]), seconds), io.BytesIO(contents[name]))
    return gzip.compress(unpacked.getvalue(), mtime=0)


def in_order(files: bytes) -> bytes:
    """FILES.json in the order of names; ansible-galaxy takes that of the file system."""
    listing = json.loads(files)
    listing["files"].sort(key=lambda file: file["name"])
    return json.dumps(listing, indent=True).encode()


def sealed(manifest: bytes, files: bytes) -> bytes:
    """MANIFEST.json with the hash of FILES.json as it is now."""
    content = json.loads(manifest)
    content["file_manifest_file"]["chksum_sha256"] = hashlib.sha256(files).hexdigest()
    return json.dumps(content, indent=True).encode()


def plain(entry: tarfile.TarInfo, size: int, seconds: int) -> tarfile.TarInfo:
    """An entry without the marks of the machine that built it."""
    same = tarfile.TarInfo(entry.name)
    same.type, same.linkname, same.mode = entry.type, entry.linkname, entry.mode
    same.size, same.mtime = size, seconds
    return same


def build(repository: pathlib.Path, commit: str, output: pathlib.Path) -> pathlib.Path:
    """Write the tarball of a commit into a folder."""
    output.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="apsaradb-migration-") as place:
        built = galaxy_tarball(repository, commit, pathlib.Path(place))
        tarball = output / built.name
        tarball.write_bytes(normalised(built.read_bytes(), time_of(repository, commit)))
    return tarball


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repository", type=pathlib.Path, default=cores.ROOT)
    parser.add_argument("--commit", default="HEAD")
    parser.add_argument("--output", type=pathlib.Path, default=cores.ROOT / "build")
    arguments = parser.parse_args()
    tarball = build(arguments.repository, arguments.commit, arguments.output.resolve())
    print(f"{hashlib.sha256(tarball.read_bytes()).hexdigest()}  {tarball}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
