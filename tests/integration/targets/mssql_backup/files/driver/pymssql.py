# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A stand-in for the driver pymssql and for the SQL Server behind it.

It understands the statements it gets: SELECTs are rewritten for SQLite and run against tables named like the system
views, with the columns that Microsoft documents; BACKUP, RESTORE VERIFYONLY, DBCC CHECKDB and the extended procedures
are parsed and have their effects on msdb, files and folders. The server is a JSON file, named by STAND_IN_SERVER, so
that it outlives the processes that connect to it. It proves nothing about a real server.
"""

import contextlib
import datetime
import fcntl
import functools
import json
import os
import re
import sqlite3
import subprocess
import time
import uuid

__version__ = "2.4.6"


class Error(Exception):
    pass


class InterfaceError(Error):
    pass


class DatabaseError(Error):
    pass


class OperationalError(DatabaseError):
    pass


TABLES = {
    "sys.databases": """name database_id state_desc recovery_model_desc is_read_only is_auto_close_on is_encrypted
        is_distributor is_in_standby source_database_id create_date replica_id""",
    "sys.database_recovery_status": "database_id last_log_backup_lsn",
    "sys.master_files": "database_id file_id type size",
    "sys.configurations": "name value_in_use",
    "sys.dm_os_host_info": "host_platform",
    "sys.dm_hadr_availability_replica_states": "replica_id is_local role_desc",
    "sys.dm_exec_requests": "session_id command percent_complete start_time database_id",
    "sys.dm_tran_locks": "request_session_id resource_type resource_subtype resource_database_id",
    "sys.dm_tran_database_transactions": "database_id database_transaction_begin_time",
    "sys.dm_exec_sessions": "session_id is_user_process database_id",
    "sys.dm_os_performance_counters": "object_name counter_name instance_name cntr_value",
    "sys.dm_os_volume_stats": "database_id file_id volume_mount_point available_bytes",
    "sys.dm_os_enumerate_fixed_drives": "fixed_drive_path free_space_in_bytes",
    "sys.dm_os_file_exists": "path file_exists file_is_a_directory parent_directory_exists",
    "sys.allocation_units": "database_name total_pages",
    "msdb.backupset": """backup_set_id media_set_id database_name type position is_copy_only has_backup_checksums
        is_damaged backup_size compressed_backup_size backup_set_uuid backup_start_date backup_finish_date name""",
    "msdb.backupmediafamily": "media_set_id physical_device_name device_type",
}
SYSTEM = ("master", "tempdb", "model", "msdb")
# Views that came later than SQL Server 2008 R2, by major version.
SINCE = {"dm_hadr_availability_replica_states": 11, "dm_os_host_info": 14, "dm_os_file_exists": 14}
TEXT = r"N'((?:[^']|'')*)'"


def new_server(**changes):
    """A server as a document. databases: {name: {what differs from DATABASE}}."""
    return {
        "name": "SQL01",
        "version": "15.0.4153.1",
        "edition": "Standard Edition (64-bit)",
        "engine_edition": 2,
        "collation": "SQL_Latin1_General_CP1_CI_AS",
        "platform": "Windows",
        "password": "correct horse battery staple",
        "now": "2026-01-31T23:41:00",
        "second_per_statement": 1,
        "sysadmin": True,
        "view_state": True,
        "view_history": True,
        "compression_default": 0,
        "drives": {"C:\\": 500 * 2**30, "D:\\": 500 * 2**30},
        "folders": ["C:\\", "D:\\"],
        "files": {},
        "databases": {},
        "sets": [],
        "running": [],
        "faults": [],
        "statements": [],
        "writer": [],
        **changes,
    }


DATABASE = {
    "state": "ONLINE",
    "recovery": "FULL",
    "read_only": False,
    "auto_close": False,
    "encrypted": False,
    "snapshot": False,
    "secondary": False,
    "created": "2020-05-01T10:00:00",
    "may_back_up": 1,
    "last_check": "2026-01-30T03:00:00",
    "chain": True,
    "pages": 1000,
    "writers": 0,
    "sessions": 0,
    "damaged": False,
    "unreadable_backup": False,
}


@contextlib.contextmanager
def _opened():
    path = os.environ["STAND_IN_SERVER"]
    with open(path, "r+", encoding="utf-8") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        server = json.load(file)
        try:
            yield server
        finally:
            file.seek(0)
            file.truncate()
            json.dump(server, file, indent=1)


def _refuse(number, text):
    raise OperationalError(
        number, f"{text}DB-Lib error message 20018, severity 16:\nGeneral SQL Server error\n".encode()
    )


def connect(server, user, password, database, port="1433", **options):
    with _opened() as world:
        down = world.get("down", 0)
        if down:
            world["down"] = down - 1
        expected = world["password"]
    if down:
        raise OperationalError((20009, b"DB-Lib error message 20009, severity 9:\nUnable to connect\n"))
    if password != expected:
        raise OperationalError((18456, f"Login failed for user '{user}' with {password}.".encode()))
    if options.get("autocommit") is not True:
        raise InterfaceError("BACKUP cannot run in a transaction: autocommit is wanted")
    return Connection()


class Connection:
    def __init__(self):
        self.broken = False

    def cursor(self):
        if self.broken:
            raise InterfaceError("Connection is closed.")
        return Cursor(self)

    def close(self):
        self.broken = True


class Cursor:
    def __init__(self, connection):
        self.connection = connection
        self.description = None
        self._rows = []

    def execute(self, statement):
        with _opened() as world:
            fault = _fault(world, statement)
            kind = fault.get("kind", "") if fault else ""
            world["statements"].append(statement)
            if fault:
                world["down"] = fault.get("down", 0)
            if kind == "refuse":
                _refuse(fault["number"], fault["text"])
            if kind == "lost before":
                self._break()
            if kind == "lost while it runs":
                world["running"].append({**fault, "statement": statement, "database": _backed_up(statement)})
                self._break()
            if kind == "hang":
                pause = fault["seconds"]
            else:
                pause = 0
                self._rows, self.description = _carry_out(world, statement)
            if kind == "lost after":
                self._break()
        if pause:
            time.sleep(pause)

    def _break(self):
        self.connection.broken = True
        raise OperationalError(20006, b"DB-Lib error message 20006, severity 9:\nWrite to the server failed\n")

    def fetchall(self):
        return self._rows

    def nextset(self):
        return None


def _fault(world, statement):
    for fault in world["faults"]:
        if statement.startswith(fault["on"]):
            fault["times"] = fault.get("times", 1) - 1
            if fault["times"] <= 0:
                world["faults"].remove(fault)
            return fault
    return None


def _carry_out(world, statement):
    now = datetime.datetime.fromisoformat(world["now"]) + datetime.timedelta(seconds=world["second_per_statement"])
    world["now"] = now.isoformat(timespec="seconds")
    if re.match(r"\s*SELECT\b", statement):
        return _select(world, statement)
    for pattern, effect in STATEMENTS.items():
        found = re.fullmatch(pattern, statement)
        if found:
            return effect(world, *found.groups())
    _refuse(102, f"Incorrect syntax near '{statement[:40]}'.")
    return None


# --- reading ----------------------------------------------------------------------------------------------------------


def _select(world, statement):
    _let_time_pass(world, statement)
    for view, major in SINCE.items():
        if view in statement and int(world["version"].split(".")[0]) < major:
            _refuse(208, f"Invalid object name 'sys.{view}'.")
    if not world["view_state"] and re.search(
        r"sys\.dm_(exec_requests|tran|exec_sessions|os_volume|os_perf)", statement
    ):
        _refuse(300, "VIEW SERVER STATE permission was denied on object 'server', database 'master'.")
    if not world["view_history"] and "msdb.dbo." in statement and "HAS_PERMS" not in statement:
        _refuse(229, "The SELECT permission was denied on the object 'backupset', database 'msdb', schema 'dbo'.")
    base = _tables(world, statement)
    try:
        cursor = base.execute(_for_sqlite(world, statement))
        rows = [tuple(row) for row in cursor.fetchall()]
    except sqlite3.Error as error:
        _refuse(207, f"{error} in {statement}")
    return rows, [(column[0],) for column in cursor.description]


def _let_time_pass(world, statement):
    """A backup whose connection broke goes on for some looks at the running requests, then ends as its fault says."""
    if "sys.dm_exec_requests" not in statement:
        return
    for running in list(world["running"]):
        running["looks"] = running.get("looks", 0) - 1
        if running["looks"] < 0:
            world["running"].remove(running)
            if running.get("ends") == "well":
                _carry_out(world, running["statement"])


def _for_sqlite(world, statement):
    texts = []

    def keep(match):
        if match.group(1) is None:  # a name in brackets, which may hold quotes
            return match.group()
        texts.append(match.group(1))
        return f"'\x00{len(texts) - 1}\x00'"

    sql = re.sub(r"\[(?:[^\]]|\]\])*\]|N?'((?:[^']|'')*)'", keep, statement)
    sql = re.sub(r"\[((?:[^\]]|\]\])*)\]\.sys\.allocation_units AS (\w+)", _of_database, sql)
    sql = sql.replace("msdb.dbo.", "msdb.")
    sql = re.sub(r"sys\.dm_os_file_exists\((.*?)\) AS e", _of_path, sql)
    sql = re.sub(
        r"CROSS APPLY sys\.dm_os_volume_stats\((.*?), (.*?)\) AS v",
        r"JOIN sys.dm_os_volume_stats AS v ON v.database_id = \1 AND v.file_id = \2",
        sql,
    )
    sql = re.sub(r"CONVERT\((\w+)(\(\d+\))?,", r"CONVERT('\1',", sql)
    sql = re.sub(r"DATEADD\(second,", "DATEADD(", sql)
    sql = sql.replace("@@SPID", "51")
    return re.sub("'\x00(\\d+)\x00'", lambda m: "'" + texts[int(m.group(1))] + "'", sql)


def _of_database(match):
    name = match.group(1).replace("]]", "]").replace("'", "''")
    return f"(SELECT * FROM sys.allocation_units WHERE database_name = '{name}') AS {match.group(2)}"


def _of_path(match):
    columns = ", ".join(f"MAX({c}) IS 1 AS {c}" for c in ("file_exists", "file_is_a_directory"))
    return f"(SELECT {columns} FROM sys.dm_os_file_exists WHERE path = PATH({match.group(1)})) AS e"


@functools.cache
def _empty_tables():
    """One for the process: a connection with its tables takes longer to make than any statement."""
    base = sqlite3.connect(":memory:", check_same_thread=False, isolation_level=None)
    base.execute("ATTACH ':memory:' AS sys")
    base.execute("ATTACH ':memory:' AS msdb")
    for name, columns in TABLES.items():
        base.execute(f"CREATE TABLE {name} ({', '.join(columns.split())})")
    return base


def _tables(world, statement):
    base = _empty_tables()
    content = _content(world)
    for name in TABLES:
        if name.partition(".")[2] not in statement:
            continue
        base.execute(f"DELETE FROM {name}")
        rows = content[name]
        marks = ", ".join("?" * len(TABLES[name].split()))
        base.executemany(f"INSERT INTO {name} VALUES ({marks})", rows)
    ids = {number: name for name, number in _ids(world).items()}
    functions = {
        "CONVERT": (-1, lambda kind, value, style=None: value),
        "GETDATE": (0, lambda: world["now"]),
        "DATEADD": (2, _later),
        "DB_NAME": (1, ids.get),
        "QUOTENAME": (1, lambda name: "[" + name.replace("]", "]]") + "]"),
        "SERVERPROPERTY": (1, lambda name: _property(world, name)),
        "DATABASEPROPERTYEX": (2, lambda name, what: world["databases"].get(name, {}).get("last_check")),
        "HAS_PERMS_BY_NAME": (3, lambda name, kind, right: _right(world, name, kind, right)),
        "IS_SRVROLEMEMBER": (1, lambda role: int(world["sysadmin"])),
        "PATH": (1, lambda path: _key(world, path)),
        "LIKE": (2, _like),
    }
    for name, (number, function) in functions.items():
        base.create_function(name, number, function)
    return base


def _like(pattern, text):
    parts = re.findall(r"\[(.)\]|(%)|(_)|(.)", pattern)
    expression = "".join(".*" if p else "." if u else re.escape(b or c) for b, p, u, c in parts)
    return text is not None and re.fullmatch(expression, text, re.IGNORECASE) is not None


def _later(seconds, moment):
    return (datetime.datetime.fromisoformat(moment) + datetime.timedelta(seconds=seconds)).isoformat(timespec="seconds")


def _property(world, name):
    return {
        "ServerName": world["name"],
        "ProductVersion": world["version"],
        "Edition": world["edition"],
        "EngineEdition": world["engine_edition"],
        "Collation": world["collation"],
        "IsHadrEnabled": int(any(d.get("secondary") for d in world["databases"].values())),
    }[name]


def _right(world, name, kind, right):
    if right == "VIEW SERVER STATE":
        return int(world["view_state"])
    if name == "msdb.dbo.backupset":
        return int(world["view_history"])
    plain = name[1:-1].replace("]]", "]")
    return world["databases"].get(plain, DATABASE)["may_back_up"]


def _ids(world):
    return {name: number for number, name in enumerate((*SYSTEM, *world["databases"]), 1)}


def _content(world):
    ids, databases = _ids(world), world["databases"]
    content = {name: [] for name in TABLES}
    for name, number in ids.items():
        d = databases.get(name, {**DATABASE, "recovery": "SIMPLE"})
        replica = "00000000-0000-0000-0000-000000000001" if d["secondary"] else None
        content["sys.databases"].append(
            [name, number]
            + [d[key] for key in ("state", "recovery", "read_only", "auto_close", "encrypted")]
            + [False, False, 1 if d["snapshot"] else None, d["created"], replica]
        )
        content["sys.database_recovery_status"].append((number, 42 if d["chain"] else None))
        content["sys.master_files"] += [(number, 1, 0, d["pages"]), (number, 2, 1, 100)]
        content["sys.allocation_units"].append((name, d["pages"]))
        content["sys.dm_os_performance_counters"].append(
            ("SQLServer:Databases", "Log File(s) Used Size (KB)", name, 64)
        )
        content["sys.dm_tran_database_transactions"] += [(number, world["now"])] * d["writers"]
        content["sys.dm_exec_sessions"] += [(60, 1, number)] * d["sessions"]
        for drive, free in list(world["drives"].items())[:1]:
            content["sys.dm_os_volume_stats"].append((number, 1, drive, free))
    content["sys.dm_exec_sessions"].append((51, 1, 1))
    content["sys.dm_hadr_availability_replica_states"].append(
        ("00000000-0000-0000-0000-000000000001", 1, "SECONDARY"),
    )
    content["sys.configurations"].append(("backup compression default", world["compression_default"]))
    content["sys.dm_os_host_info"].append((world["platform"],))
    content["sys.dm_os_enumerate_fixed_drives"] += world["drives"].items()
    for path in world["folders"]:
        content["sys.dm_os_file_exists"].append((_key(world, path), 0, 1, 1))
    for path in world["files"]:
        content["sys.dm_os_file_exists"].append((_key(world, path), 1, 0, 1))
    for number, running in enumerate(world["running"], 70):
        command = " ".join(running.get("statement", "BACKUP DATABASE").split()[:2])
        content["sys.dm_exec_requests"].append((number, command, 41.5, world["now"], 1))
        lock = ids.get(running["database"])
        content["sys.dm_tran_locks"].append((number, "DATABASE", "BULKOP_BACKUP_DB", lock))
    for number, s in enumerate(world["sets"], 1):
        content["msdb.backupset"].append(
            [number, number]
            + [s[key] for key in ("database", "letter", "position", "copy_only", "checksums", "damaged", "size")]
            + [s[key] for key in ("stored", "guid", "start", "finish", "name")]
        )
        content["msdb.backupmediafamily"] += [(number, s["path"], 2)] * s.get("stripes", 1)
    return content


def _key(world, path):
    return path.rstrip("\\").casefold() if world["platform"] == "Windows" else path


# --- writing ----------------------------------------------------------------------------------------------------------


def _plain(text):
    return text.replace("''", "'")


def _backed_up(statement):
    return re.match(r"BACKUP (?:DATABASE|LOG) \[((?:[^\]]|\]\])*)\]", statement).group(1).replace("]]", "]")


def _back_up(world, what, name, path, rest):
    name, path = name.replace("]]", "]"), _plain(path)
    words = [option.split("=")[0].strip() for option in re.sub(TEXT, "text", rest).split(",")]
    unknown = set(words) - set(
        """NOFORMAT FORMAT NOINIT INIT DIFFERENTIAL COPY_ONLY CHECKSUM NO_CHECKSUM STOP_ON_ERROR COMPRESSION
        NO_COMPRESSION NAME STATS""".split()
    )
    if unknown:
        _refuse(155, f"{unknown} is not a recognized BACKUP option.")
    database = world["databases"].get(name)
    if database is None:
        _refuse(911, f"Database '{name}' does not exist. Make sure that the name is entered correctly.")
    letter = "L" if what == "LOG" else "I" if "DIFFERENTIAL" in words else "D"
    _check_possible(world, name, database, letter, words)
    style = "\\" if world["platform"] == "Windows" else "/"
    folder = path[: path.rindex(style)] or style
    if _key(world, folder) not in {_key(world, f) for f in world["folders"]}:
        _refuse(3201, f"Cannot open backup device '{path}'. Operating system error 3(The system cannot find the path).")
    if "CHECKSUM" in words and database["damaged"]:
        _refuse(3043, f"BACKUP '{name}' detected an error on page (1:611) in file 'x.mdf'.")
    before = [] if "INIT" in words else world["files"].get(path, [])
    size = 64 * 1024 if letter == "L" else database["pages"] * 8192
    now = datetime.datetime.fromisoformat(world["now"])
    guid = str(uuid.uuid5(uuid.NAMESPACE_URL, f"{path} {len(world['sets'])}")).upper()
    label = re.search(rf"\bNAME = {TEXT}", rest)
    compressed = "COMPRESSION" in words or ("NO_COMPRESSION" not in words and world["compression_default"])
    world["sets"].append(
        {
            "database": name,
            "letter": letter,
            "position": len(before) + 1,
            "copy_only": "COPY_ONLY" in words,
            "checksums": "CHECKSUM" in words,
            "damaged": False,
            "size": size,
            "stored": size // 4 if compressed else size,
            "guid": guid,
            "start": world["now"],
            "finish": (now + datetime.timedelta(seconds=1)).isoformat(timespec="seconds"),
            "name": _plain(label.group(1)) if label else None,
            "path": path,
        }
    )
    world["files"][path] = [*before, guid]
    if world["writer"]:
        _write_file(world, folder, world["sets"][-1])
    return [], None


def _write_file(world, folder, made):
    """Its sequence numbers are those of a chain without a gap: a log begins where the log before it ended."""
    number = 1000 + 10 * len(world["sets"])
    logs = [
        1000 + 10 * position
        for position, earlier in enumerate(world["sets"][:-1], 1)
        if earlier["database"] == made["database"] and earlier["letter"] == "L"
    ]
    first = max([1000, *logs]) if made["letter"] == "L" else number - 9
    backup_set = {
        "database": made["database"],
        "type": {"D": "full", "I": "differential", "L": "log"}[made["letter"]],
        "start": made["start"],
        "finish": made["finish"],
        "copy_only": made["copy_only"],
        "checksums": made["checksums"],
        "backup_set_guid": made["guid"],
        "first_lsn": str(first),
        "last_lsn": str(number),
        "checkpoint_lsn": str(number - 9),
    }
    backup = {"name": made["path"].rpartition("/")[2], "set": backup_set}
    subprocess.run([*world["writer"], folder], input=json.dumps({"backups": [backup]}), text=True, check=True)


def _check_possible(world, name, database, letter, words):
    if database["state"] != "ONLINE":
        _refuse(942, f"Database '{name}' cannot be opened because it is offline.")
    if not database["may_back_up"]:
        _refuse(262, f"BACKUP DATABASE permission denied in database '{name}'.")
    if letter == "L" and database["recovery"] == "SIMPLE":
        _refuse(4208, "The statement BACKUP LOG is not allowed while the recovery model is SIMPLE.")
    if letter == "L" and not database["chain"]:
        _refuse(4214, "BACKUP LOG cannot be performed because there is no current database backup.")
    bases = [s for s in world["sets"] if s["database"] == name and s["letter"] == "D" and not s["copy_only"]]
    if letter == "I" and not bases:
        _refuse(3035, f"Cannot perform a differential backup for database '{name}'.")
    if "COMPRESSION" in words and world["engine_edition"] == 4:
        _refuse(1844, "BACKUP DATABASE WITH COMPRESSION is not supported on Express Edition.")


def _verify(world, path, _rest):
    path = _plain(path)
    if path not in world["files"]:
        _refuse(3201, f"Cannot open backup device '{path}'.")
    sets = [s for s in world["sets"] if s["path"] == path]
    if any(world["databases"].get(s["database"], {}).get("unreadable_backup") for s in sets):
        _refuse(3189, f"Damage to the backup set was detected in {path}.")
    return [], None


def _check(world, name):
    name = _plain(name)
    if name not in world["databases"]:
        _refuse(2520, f"Could not find database '{name}'.")
    if world["databases"][name]["damaged"]:
        _refuse(8939, "Table error: Object ID 60, index ID 1, page (1:611). Test failed.")
    world["databases"][name]["last_check"] = world["now"]
    return [], None


def _create_folder(world, path):
    path = _plain(path)
    if not world["sysadmin"]:
        _refuse(229, "The EXECUTE permission was denied on the object 'xp_create_subdir'.")
    world["folders"].append(path)
    if world["writer"]:
        os.makedirs(path, exist_ok=True)
    return [], None


def _file_exists(world, path):
    key = _key(world, _plain(path))
    file = int(key in {_key(world, f) for f in world["files"]})
    folder = int(key in {_key(world, f) for f in world["folders"]})
    return [(file, folder, 1)], [("File Exists",), ("File is a Directory",), ("Parent Directory Exists",)]


def _drives(world):
    return [(drive[0], free // 2**20) for drive, free in world["drives"].items()], [("drive",), ("MB free",)]


STATEMENTS = {
    rf"BACKUP (DATABASE|LOG) \[((?:[^\]]|\]\])*)\] TO DISK = {TEXT} WITH (.*)": _back_up,
    rf"RESTORE VERIFYONLY FROM DISK = {TEXT}( WITH CHECKSUM)?": _verify,
    rf"DBCC CHECKDB \({TEXT}\) WITH NO_INFOMSGS, ALL_ERRORMSGS": _check,
    rf"EXEC master\.dbo\.xp_create_subdir {TEXT}": _create_folder,
    rf"EXEC master\.dbo\.xp_fileexist {TEXT}": _file_exists,
    r"EXEC master\.dbo\.xp_fixeddrives": _drives,
}
# Names may hold line breaks.
STATEMENTS = {f"(?s:{pattern})": effect for pattern, effect in STATEMENTS.items()}
