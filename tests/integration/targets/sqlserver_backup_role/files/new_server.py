# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Write a SQL Server on Linux, for the stand-in of target mssql_backup, to a file: new_server.py DRIVERS FILE WRITER…

Its backups leave real files; WRITER is the command that makes them.
"""

import json
import pathlib
import sys

sys.path.insert(0, sys.argv[1])

import pymssql

server = pymssql.new_server(
    databases={"sales": dict(pymssql.DATABASE), "crm": dict(pymssql.DATABASE)},
    platform="Linux",
    drives={"/": 500 * 2**30},
    folders=["/", str(pathlib.Path(sys.argv[2]).parent)],
    writer=sys.argv[3:],
)
pathlib.Path(sys.argv[2]).write_text(json.dumps(server))
