# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is private to the collection.

"""What a SQL Server is asked. Views, columns and functions: Microsoft's reference.

Moments are fetched as text, because drivers differ in the types they make of them. HISTORY wants a condition behind it.
"""

from __future__ import annotations

SERVER = """
SELECT CONVERT(nvarchar(128), SERVERPROPERTY(N'ServerName')) AS name,
    CONVERT(nvarchar(128), SERVERPROPERTY(N'ProductVersion')) AS version,
    CONVERT(nvarchar(128), SERVERPROPERTY(N'Edition')) AS edition,
    CONVERT(int, SERVERPROPERTY(N'EngineEdition')) AS engine_edition,
    CONVERT(nvarchar(128), SERVERPROPERTY(N'Collation')) AS collation_name,
    CONVERT(int, SERVERPROPERTY(N'IsHadrEnabled')) AS hadr,
    CONVERT(nvarchar(30), GETDATE(), 126) AS now,
    IS_SRVROLEMEMBER(N'sysadmin') AS sysadmin,
    HAS_PERMS_BY_NAME(NULL, NULL, N'VIEW SERVER STATE') AS view_state,
    HAS_PERMS_BY_NAME(N'msdb.dbo.backupset', N'OBJECT', N'SELECT') AS view_history,
    (SELECT CONVERT(int, c.value_in_use) FROM sys.configurations AS c WHERE c.name = N'backup compression default')
        AS compression
"""
PLATFORM = "SELECT h.host_platform AS platform FROM sys.dm_os_host_info AS h"
DATABASES = """
SELECT d.name AS name, d.database_id AS id, d.state_desc AS state, d.recovery_model_desc AS recovery_model,
    d.is_read_only AS is_read_only, d.is_auto_close_on AS auto_close, d.is_encrypted AS encrypted,
    d.is_distributor AS distributor, d.is_in_standby AS standby, d.source_database_id AS snapshot_of,
    CONVERT(nvarchar(30), d.create_date, 126) AS created,
    HAS_PERMS_BY_NAME(QUOTENAME(d.name), N'DATABASE', N'BACKUP DATABASE') AS may_back_up,
    HAS_PERMS_BY_NAME(QUOTENAME(d.name), N'DATABASE', N'BACKUP LOG') AS may_back_up_log,
    CONVERT(nvarchar(30), CONVERT(datetime, DATABASEPROPERTYEX(d.name, N'LastGoodCheckDbTime')), 126) AS last_check,
    CONVERT(nvarchar(30), r.last_log_backup_lsn) AS last_log_lsn,
    (SELECT SUM(CONVERT(bigint, f.size)) FROM sys.master_files AS f WHERE f.database_id = d.database_id AND f.type = 0)
        AS allocated_pages
FROM sys.databases AS d LEFT JOIN sys.database_recovery_status AS r ON r.database_id = d.database_id
"""
SECONDARIES = """
SELECT d.name AS name FROM sys.databases AS d
JOIN sys.dm_hadr_availability_replica_states AS r ON r.replica_id = d.replica_id
WHERE r.is_local = 1 AND r.role_desc <> N'PRIMARY'
"""
# A backup holds a lock of its own on its database; the session's database is the one it was started from.
RUNNING = """
SELECT CASE WHEN l.resource_database_id IS NULL THEN NULL ELSE DB_NAME(l.resource_database_id) END AS name,
    r.session_id AS session, r.command AS command,
    CONVERT(float, r.percent_complete) AS progress, CONVERT(nvarchar(30), r.start_time, 126) AS start
FROM sys.dm_exec_requests AS r LEFT JOIN sys.dm_tran_locks AS l ON l.request_session_id = r.session_id
    AND l.resource_type = N'DATABASE' AND l.resource_subtype LIKE N'BULKOP[_]BACKUP[_]%'
WHERE r.command LIKE N'BACKUP%'
"""
WRITERS = """
SELECT DB_NAME(t.database_id) AS name, COUNT(*) AS number FROM sys.dm_tran_database_transactions AS t
WHERE t.database_transaction_begin_time IS NOT NULL GROUP BY t.database_id
"""
SESSIONS = """
SELECT DB_NAME(s.database_id) AS name, COUNT(*) AS number FROM sys.dm_exec_sessions AS s
WHERE s.is_user_process = 1 AND s.session_id <> @@SPID GROUP BY s.database_id
"""
LOG_SIZES = """
SELECT RTRIM(p.instance_name) AS name, p.cntr_value * 1024 AS number FROM sys.dm_os_performance_counters AS p
WHERE p.counter_name = N'Log File(s) Used Size (KB)'
"""
VOLUMES = """
SELECT DISTINCT v.volume_mount_point AS mount, v.available_bytes AS free
FROM sys.master_files AS f CROSS APPLY sys.dm_os_volume_stats(f.database_id, f.file_id) AS v
"""
DRIVES = "SELECT d.fixed_drive_path AS mount, d.free_space_in_bytes AS free FROM sys.dm_os_enumerate_fixed_drives AS d"
OLD_DRIVES = "EXEC master.dbo.xp_fixeddrives"
HISTORY = """
SELECT s.database_name AS name, s.type AS letter, s.position AS position, s.is_copy_only AS copy_only,
    s.has_backup_checksums AS checksums, s.is_damaged AS damaged, s.backup_size AS backup_size,
    s.compressed_backup_size AS compressed_size, CONVERT(nvarchar(36), s.backup_set_uuid) AS guid,
    CONVERT(nvarchar(30), s.backup_start_date, 126) AS start,
    CONVERT(nvarchar(30), s.backup_finish_date, 126) AS finish,
    f.physical_device_name AS path, f.device_type AS device,
    (SELECT COUNT(*) FROM msdb.dbo.backupmediafamily AS c WHERE c.media_set_id = s.media_set_id) AS families
FROM msdb.dbo.backupset AS s JOIN msdb.dbo.backupmediafamily AS f ON f.media_set_id = s.media_set_id
WHERE s.backup_finish_date IS NOT NULL AND s.type IN ('D', 'I', 'L') AND """
# A condition for HISTORY. The place is for the database's name, as a quoted text.
NEWEST_BASE = """s.backup_set_id = (SELECT MAX(b.backup_set_id) FROM msdb.dbo.backupset AS b
WHERE b.type = 'D' AND b.is_copy_only = 0 AND b.database_name = {})"""
