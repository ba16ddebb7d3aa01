# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a standby says about its replication."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field

from ..servers.errors import ServerError
from .server import Server
from .sql import Row

# More than a segment of WAL not yet received or replayed: still catching up.
_CATCHING_UP = 16 * 1024 * 1024
_CHINA = dt.timezone(dt.timedelta(hours=8))
_ASK = """
select r.status, r.receive_start_lsn::text, r.receive_start_tli, r.received_tli, r.last_msg_send_time,
       r.last_msg_receipt_time, r.latest_end_lsn::text, r.latest_end_time, r.conninfo,
       pg_is_in_recovery() as standby, pg_last_wal_receive_lsn()::text as received,
       pg_last_wal_replay_lsn()::text as replayed, pg_last_xact_replay_timestamp() as replay_time,
       coalesce(pg_wal_lsn_diff(greatest(r.latest_end_lsn, pg_last_wal_receive_lsn()), pg_last_wal_replay_lsn()), 0)
         ::bigint as behind,
       coalesce(extract(epoch from clock_timestamp() - pg_last_xact_replay_timestamp()), 0)::float8 as age
  from (select) one left join pg_stat_wal_receiver r on true
"""


@dataclass(frozen=True)
class Observation:
    """`state` is catchup, streaming or disconnect; `info` the receiver's row in the service's words.

    `behind` is what is not replayed, in bytes; `words` the last error of the stream if it is disconnected.
    """

    state: str
    info: dict[str, str] = field(default_factory=dict)
    behind: int = 0
    seconds: float = 0.0
    words: str = ""

    @property
    def connected(self) -> bool:
        """Whether there is a stream."""
        return self.state != "disconnect"


def observe(server: Server) -> Observation:
    """How the replication of a standby goes at this moment."""
    try:
        with server.admin(connect_timeout=2) as admin:
            row = admin.row(_ASK)
    except ServerError as error:
        return Observation("disconnect", words=server.last_words("FATAL:", "PANIC:") or str(error))
    if row["status"] != "streaming":
        return Observation("disconnect", _info(row), row["behind"], words=server.last_words("FATAL:", "could not "))
    state = "catchup" if row["behind"] > _CATCHING_UP else "streaming"
    return Observation(state, _info(row), row["behind"], row["age"] if row["behind"] else 0.0)


def _info(row: Row) -> dict[str, str]:
    """The keys of the service's sample, all values as text. The server itself masks the password in Conninfo."""
    return {
        "Status": row["status"] or "null",
        "ReceiveStartLsn": row["receive_start_lsn"] or "null",
        "ReceivedTli": _text(row["received_tli"]),
        "LatestEndTime": _moment(row["latest_end_time"]),
        "Synced": "true" if row["status"] and not row["behind"] else "false",
        "IsSlave": "true" if row["standby"] else "false",
        "ReplayTimestamp": _moment(row["replay_time"]),
        "LastMsgSendTime": _moment(row["last_msg_send_time"]),
        "Conninfo": row["conninfo"] or "null",
        "LastMsgReceiptTime": _moment(row["last_msg_receipt_time"]),
        "LatestEndLsn": row["latest_end_lsn"] or row["received"] or "null",
        "ReceivedLsn": row["received"] or "null",
        "ReplayLsn": row["replayed"] or "null",
        "ReceiveStartTli": _text(row["receive_start_tli"]),
    }


def _text(value: object) -> str:
    return "null" if value is None else str(value)


def _moment(value: dt.datetime | None) -> str:
    """As PostgreSQL writes it in China."""
    return "null" if value is None else value.astimezone(_CHINA).strftime("%Y-%m-%d %H:%M:%S.%f+08")
