# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How a module reaches a PostgreSQL server, and how one that needs no cloud is approved."""

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options:
  host:
    description: Host name or address of the server, or the folder of its Unix socket.
    type: str
    required: true
  port:
    description: Port of the server.
    type: int
    default: 5432
  user:
    description: The account that the module works with.
    type: str
    required: true
  password:
    description: Password of O(user). Without it, C(libpq) looks at E(PGPASSWORD), then at C(~/.pgpass); an account
      that the server admits without a password needs none.
    type: str
  database:
    description: Database to connect to first. The others are connected to by name.
    type: str
    default: postgres
  ssl_mode:
    description: Whether to encrypt, and what to verify, as C(sslmode) of C(libpq). Without it, the connection is
      encrypted where the server can, and nothing is verified.
    type: str
    choices: [disable, allow, prefer, require, verify-ca, verify-full]
    default: prefer
  ca_cert:
    description: File with the certificate authorities to trust, for V(verify-ca) and V(verify-full). Without it,
      C(libpq) looks at C(~/.postgresql/root.crt).
    type: path
  connect_timeout:
    description: Seconds to wait for a connection; C(libpq) waits 2 at least.
    type: float
    default: 10
  statement_timeout:
    description: Seconds that a statement may take. With V(0) it may take as long as it does.
    type: float
    default: 0
requirements:
  - psycopg >= 3.1
"""

    APPROVAL = r"""
options:
  preflight:
    description:
      - V(enforce) stops before the first write when a check fails.
      - V(warn) goes on in spite of failed checks.
    type: str
    choices: [enforce, warn]
    default: enforce
  approved_plan:
    description:
      - Path of a JSON file with the saved result of a rehearsal, or a V(sha256:) fingerprint from its
        RV(fingerprint).
      - The run stops before the first write when its plan holds more than, or anything else than, the approved one.
        A fingerprint admits only the exact plan.
      - Without it every plan may run.
    type: str
"""
