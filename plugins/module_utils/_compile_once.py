# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is private to the collection.

"""What is imported after this from the archive in which Ansible sends a module is compiled once.

Python compiles a file of an archive twice: to run it, and before that to tell its name (gh-141276 of python/cpython).
Without bytecode, of which Ansible sends none, that is most of what an import costs. The doors import this first.
"""

from __future__ import annotations

import os
import sys
import zipimport


class Importer(zipimport.zipimporter):
    """Tells where a file is without a look into it."""

    def get_filename(self, fullname: str) -> str:
        """Raises ZipImportError for what the archive does not hold."""
        name = fullname.rpartition(".")[2]
        file = os.path.join(name, "__init__.py") if self.is_package(fullname) else f"{name}.py"
        return os.path.join(self.archive, self.prefix + file)


def install() -> None:
    """For the archive that this file came from, and for folders in it that nothing was imported from so far."""
    ours = globals().get("__loader__")
    if not isinstance(ours, zipimport.zipimporter):
        return
    archive = ours.archive

    def importer(place: str) -> Importer:
        if not place.startswith(archive):
            raise ImportError(name=place)  # asks for the next way to import
        return Importer(place)

    sys.path_hooks.insert(0, importer)
    for place in list(sys.path_importer_cache):
        if place.startswith(archive):
            del sys.path_importer_cache[place]


install()
