# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Write the server that the tests begin with to the file named on the command line."""

import json
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent / "driver"))

import pymssql

DATABASES = {"sales": {}, "crm": {"damaged": True}, "it's [big]": {"pages": 200000}, "sales_test": {}}

server = pymssql.new_server(
    databases={name: {**pymssql.DATABASE, **special} for name, special in DATABASES.items()},
    faults=[{"on": "BACKUP DATABASE [it's", "kind": "lost while it runs", "looks": 3, "ends": "well"}],
)
pathlib.Path(sys.argv[1]).write_text(json.dumps(server))
