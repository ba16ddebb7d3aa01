# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Write an inventory for Sphinx of the pages of Ansible that the site links to. Its own would need a network.

What is missing here is a warning of the build, which fails then.
"""

from __future__ import annotations

import pathlib
import sys
import zlib

# Label or variable → page, and the words that a link shows where the text has none.
LABELS = {
    "action_plugins": ("plugins/action.html", "Action plugins"),
    "ansible_collections.ansible.builtin.copy_module": ("collections/ansible/builtin/copy_module.html", "copy"),
    "ansible_configuration_settings": ("reference_appendices/config.html", "Ansible Configuration Settings"),
    "callback_plugins": ("plugins/callback.html", "Callback plugins"),
    "common_return_values": ("reference_appendices/common_return_values.html", "Return Values"),
}
VARIABLES = ("ANSIBLE_CALLBACKS_ENABLED",)


def inventory() -> bytes:
    """The second version of Sphinx's form."""
    head = "# Sphinx inventory version 2\n# Project: Ansible\n# Version: latest\n"
    head += "# The remainder of this file is compressed using zlib.\n"
    rows = [f"{name} std:label -1 {page} {words}" for name, (page, words) in LABELS.items()]
    rows += [f"{name} std:envvar 1 reference_appendices/config.html#envvar-{name} -" for name in VARIABLES]
    return head.encode() + zlib.compress("".join(f"{row}\n" for row in rows).encode())


if __name__ == "__main__":
    pathlib.Path(sys.argv[1]).write_bytes(inventory())
