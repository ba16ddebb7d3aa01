# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Names that the service keeps for itself: no database may be called one of these, in any letter case.

Source: the service's appendix of reserved words, one list for each engine.
"""

from __future__ import annotations

_SQL_SERVER = frozenset(
    """
    add admin administrator all alter and any as asc aurora authorization backup begin between break browse bulk
    bulkadmin by cascade case check checkpoint close clustered coalesce collate column commit compute constraint
    contains containstable continue convert create cross current current_date current_time current_timestamp
    current_user cursor database dbcc dbcreator deallocate declare default delete deny desc disk diskadmin
    distinct distributed distribution double drop dummy dump eagleye else end errlvl escape except exec execute
    exists exit fetch file fillfactor for foreign freetext freetexttable from full function galaxy goto grant
    group guest having holdlock identity identity_insert identitycol if in index inner insert intersect into is
    join key kill left like lineno load master model msdb mssqld mssqlsystemresource national nocheck nonclustered
    not null nullif of off offsets on open opendatasource openquery openrowset openxml option or order outer over
    percent plan precision primary print proc procedure processadmin public raiserror read readtext reconfigure
    references replication restore restrict return revoke right rollback root rowcount rowguidcol rule sa save
    schema securityadmin select serveradmin session_user set setupadmin setuser shutdown some statistics sysadmin
    system_user table tempdb textsize then to top tran transaction trigger truncate tsequal union unique update
    updatetext use user values varying view waitfor when where while with writetext
    """.split()
)

_MYSQL = frozenset(
    """
    accessible account action actual add adddate after against aggregate algorithm all alter always analyse
    analyze and any as asc ascii asensitive at auto_increment autoextend_size avg avg_row_length backup before
    begin between bigint binary binlog bit bit_and bit_or bit_xor bka blob block bnl bool boolean both btree by
    byte cache call cascade cascaded case cast catalog_name chain change changed channel char character charset
    check checksum cipher class_origin client close coalesce code collate collation column column_format
    column_name columns comment commit committed compact completion compressed compression concurrent condition
    connection consistent constraint constraint_catalog constraint_name constraint_schema contains context
    continue convert count cpu create cross cube curdate current current_date current_time current_timestamp
    current_user cursor cursor_name curtime data database databases datafile date date_add date_sub datetime day
    day_hour day_microsecond day_minute day_second deallocate dec decimal declare default default_auth definer
    delay_key_write delayed delete des_key_file desc describe deterministic diagnostics directory disable discard
    disk distinct distinctrow div do double drop dual dumpfile duplicate dupsweedout dynamic each else elseif
    enable enclosed encryption end ends engine engines enum error errors escape escaped event events every
    exchange execute exists exit expansion expire explain export extended extent_size extract false fast faults
    fetch fields file file_block_size filter first firstmatch fixed float float4 float8 flush follows for force
    foreign format found from full fulltext function general generated geometry geometrycollection get get_format
    global grant grants group group_concat group_replication handler hash having help high_priority host hosts
    hour hour_microsecond hour_minute hour_second identified if ignore ignore_server_ids import in index indexes
    infile initial_size inner inout insensitive insert insert_method install instance int int1 int2 int3 int4 int8
    integer interval into intoexists invoker io io_after_gtids io_before_gtids io_thread ipc is isolation issuer
    iterate join json json_arrayagg json_objectagg key key_block_size keys kill lag language last leading leave
    leaves left less level like limit linear lines linestring list load local localtime localtimestamp lock locks
    logfile logs long longblob longtext loop loosescan low_priority master master_auto_position master_bind
    master_connect_retry master_delay master_heartbeat_period master_host master_log_file master_log_pos
    master_password master_port master_retry_count master_server_id master_ssl master_ssl_ca master_ssl_capath
    master_ssl_cert master_ssl_cipher master_ssl_crl master_ssl_crlpath master_ssl_key
    master_ssl_verify_server_cert master_tls_version master_user match materialization max
    max_connections_per_hour max_execution_time max_queries_per_hour max_rows max_size max_updates_per_hour
    max_user_connections maxvalue medium mediumblob mediumint mediumtext memory merge message_text microsecond mid
    middleint migrate min min_rows minute minute_microsecond minute_second mod mode modifies modify month mrr
    multilinestring multipoint multipolygon mutex mysql_errno name names national natural nchar ndb ndbcluster
    never new next no no_bka no_bnl no_icp no_mrr no_range_optimization no_semijoin no_wait no_write_to_binlog
    nodegroup none not now null number numeric nvarchar offset on one only open optimize optimizer_costs option
    optionally options or order out outer outfile owner pack_keys page parse_gcol_expr parser partial partition
    partitioning partitions password phase plugin plugin_dir plugins point polygon port position precedes
    precision prepare preserve prev primary privileges procedure process processlist profile profiles proxy purge
    qb_name quarter query quick range rds_add_proxy_protocol_networks rds_audit rds_change_user rds_charsetnum
    rds_connection_id rds_current_connection rds_db rds_host_show rds_inner_backup rds_ip rds_prepare_begin_id
    rds_resetconnection rds_rw_mode rds_show_proxy_protocol_ips rds_user read read_only read_write reads real
    rebuild recover redo_buffer_size redofile redundant references regexp relay relay_log_file relay_log_pos
    relay_thread relaylog release reload remove rename reorganize repair repeat repeatable replace replicate_do_db
    replicate_do_table replicate_ignore_db replicate_ignore_table replicate_rewrite_db replicate_wild_do_table
    replicate_wild_ignore_table replication require reset resignal restore restrict resume return
    returned_sqlstate returns reverse revoke right rlike rollback rollup rotate routine row row_count row_format
    rows rtree savepoint schedule schema schema_name schemas second second_microsecond security select semijoin
    sensitive separator serial serializable server session session_user set share show shutdown signal signed
    simple slave slow smallint snapshot socket some soname sounds source spatial specific sql sql_after_gtids
    sql_after_mts_gaps sql_before_gtids sql_big_result sql_buffer_result sql_cache sql_calc_found_rows sql_filters
    sql_no_cache sql_small_result sql_thread sql_tsi_day sql_tsi_hour sql_tsi_minute sql_tsi_month sql_tsi_quarter
    sql_tsi_second sql_tsi_week sql_tsi_year sqlexception sqlstate sqlwarning ssl stacked start starting starts
    stats_auto_recalc stats_persistent stats_sample_pages status std stddev stddev_pop stddev_samp stop storage
    stored straight_join string subclass_origin subdate subject subpartition subpartitions subquery substr
    substring sum super suspend swaps switches sync sysdate system_user table table_checksum table_name tables
    tablespace temporary temptable terminated text than then time timestamp timestampadd timestampdiff tinyblob
    tinyint tinytext to trailing transaction trigger triggers trim true truncate type types uncommitted undefined
    undo undo_buffer_size undofile unicode uninstall union unique unknown unlock unsigned until update upgrade
    usage use use_frm user user_resources using utc_date utc_time utc_timestamp validation value values var_pop
    var_samp varbinary varchar varcharacter variables variance varying view virtual wait warnings week
    weight_string when where while with without work wrapper write x509 xa xid xml xor year year_month zerofill
    """.split()
)

RESERVED_NAMES: dict[str, frozenset[str]] = {"SQLServer": _SQL_SERVER, "MySQL": _MYSQL}


def is_reserved(engine: str, name: str) -> bool:
    """Whether no database of the engine may have this name."""
    return name.lower() in RESERVED_NAMES.get(engine, frozenset())
