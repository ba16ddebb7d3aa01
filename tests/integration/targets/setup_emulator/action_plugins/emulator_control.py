# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Ask the emulator's control something. Runs on the controller, so that a question does not cost a process."""

from __future__ import annotations

import json
import urllib.error
import urllib.request

from ansible.plugins.action import ActionBase

# Nothing between a test and its emulator.
_OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}))


class ActionModule(ActionBase):
    """Options and results are those of ansible.builtin.uri, as far as the tests need them: url, method, body (sent as
    JSON), status_code (those that are no failure) and timeout; status and json. In check mode it asks too.
    """

    TRANSFERS_FILES = False
    _requires_connection = False

    def run(self, tmp=None, task_vars=None):
        result = super().run(tmp, task_vars)
        given = dict(self._task.args)
        url, method = given.pop("url"), given.pop("method", "GET")
        body = json.dumps(given.pop("body")).encode() if "body" in given else None
        welcome, timeout = given.pop("status_code", [200]), given.pop("timeout", 30)
        if given:
            return {**result, "failed": True, "msg": f"unknown options: {', '.join(sorted(given))}"}
        request = urllib.request.Request(url, body, {"Content-Type": "application/json"}, method=method)
        try:
            with _OPENER.open(request, timeout=float(timeout)) as answer:
                status, text = answer.status, answer.read()
        except urllib.error.HTTPError as error:
            status, text = error.code, error.read()
        except OSError as error:
            return {**result, "failed": True, "msg": f"the emulator does not answer at {url}: {error}"}
        result.update(changed=False, status=status, json=json.loads(text or "null"))
        if status not in welcome:
            result.update(failed=True, msg=f"the emulator answered {status}")
        return result
