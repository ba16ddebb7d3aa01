# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Documents of sources, which need no server to be read."""

from __future__ import annotations

from typing import Any

import pytest
from apsara_emulator import DocumentError
from apsara_emulator.mysql import source as mysql
from apsara_emulator.postgresql import source as postgresql


@pytest.mark.parametrize("engine", [mysql, postgresql])
def test_rights_of_accounts(engine: Any) -> None:
    accounts = [{"name": "migrator", "password": "a"}, {"name": "nobody", "password": "b", "rights": []}]
    read = engine.read_source({"accounts": accounts})
    assert [one.rights for one in read.accounts] == [list(engine.MIGRATION_RIGHTS), []]
    with pytest.raises(DocumentError, match="'fly' is none of"):
        engine.read_source({"accounts": [{**accounts[0], "rights": ["fly"]}]})


@pytest.mark.parametrize(("engine", "other"), [(mysql, {"major": 15}), (postgresql, {"engine": "MySQL"})])
def test_what_only_the_other_engine_has_is_refused(engine: Any, other: dict[str, Any]) -> None:
    with pytest.raises(DocumentError, match="unknown key"):
        engine.read_source(other)
