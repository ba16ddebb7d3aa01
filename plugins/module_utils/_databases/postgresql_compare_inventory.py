# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is private to the collection.

"""What a PostgreSQL server holds beside rows, as names and definitions that can be compared as text.

Definitions are the server's own (pg_get_…def) with an empty search_path, so every name in them is qualified. What an
extension brings along is left to the extension's version.
"""

# ruff: noqa: S608 (statements are made of this file's own text, and of quoted names)

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from .._failure import MigrationFailure
from .comparison import Definitions, Key
from .postgresql_compare_hash import Table
from .postgresql_connection import Session, identifier
from .postgresql_source import optional

_OWN = "n.nspname NOT IN ('pg_catalog', 'information_schema', 'pg_toast') AND n.nspname !~ '^pg_(temp|toast_temp)_'"


def _no_member(catalog: str, alias: str) -> str:
    """Not brought along by an extension."""
    return (
        f"NOT EXISTS (SELECT FROM pg_catalog.pg_depend e WHERE e.classid = 'pg_catalog.{catalog}'::regclass"
        f" AND e.objid = {alias}.oid AND e.deptype = 'e')"
    )


def _acl(owner: str, kind: str, column: str) -> str:
    """Owner and privileges. An empty list stands for the default, which a dump may spell out."""
    return (
        f"'owner ' || pg_catalog.pg_get_userbyid({owner}) || ', ' || coalesce((SELECT pg_catalog.string_agg(one::text,"
        f" ' ' ORDER BY one::text) FROM pg_catalog.unnest(coalesce({column}, pg_catalog.acldefault({kind}, {owner})))"
        " AS one), '')"
    )


# Lock not available; cancelled because of a time-out.
_BUSY = ("55P03", "57014")
# Each gives (schema or NULL, name within it, definition).
_COLUMNS = """(
    SELECT pg_catalog.string_agg(pg_catalog.quote_ident(a.attname) || ' ' ||
        pg_catalog.format_type(a.atttypid, a.atttypmod)
        || CASE WHEN a.attcollation NOT IN (0, 100) THEN ' COLLATE ' || a.attcollation::regcollation::text ELSE '' END
        || CASE WHEN a.attnotnull THEN ' NOT NULL' ELSE '' END
        || coalesce(' DEFAULT ' || pg_catalog.pg_get_expr(d.adbin, d.adrelid), '')
        || CASE a.attidentity WHEN '' THEN '' ELSE ' IDENTITY ' || a.attidentity::text END,
        ', ' ORDER BY a.attname)
    FROM pg_catalog.pg_attribute a
    LEFT JOIN pg_catalog.pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
    WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped)"""
_RELATION = "FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace"
_FUNCTION = "p.proname || '(' || pg_catalog.pg_get_function_identity_arguments(p.oid) || ')'"

_STATEMENTS: dict[str, str] = {
    "schemas": f"SELECT NULL, n.nspname, '' FROM pg_catalog.pg_namespace n WHERE {_OWN}",
    "extensions": "SELECT NULL, x.extname, 'version ' || x.extversion || ' in ' || n.nspname"
    " FROM pg_catalog.pg_extension x JOIN pg_catalog.pg_namespace n ON n.oid = x.extnamespace",
    "tables": f"""SELECT n.nspname, c.relname,
        CASE c.relkind WHEN 'p' THEN 'partitioned ' WHEN 'f' THEN 'foreign ' ELSE '' END
        || CASE c.relpersistence WHEN 'u' THEN 'unlogged ' ELSE '' END || 'table (' || coalesce({_COLUMNS}, '') || ')'
        || coalesce(' ' || pg_catalog.pg_get_expr(c.relpartbound, c.oid), '')
        || coalesce(' PARTITION BY ' || pg_catalog.pg_get_partkeydef(c.oid), '')
        || CASE WHEN c.relrowsecurity THEN ' ROW SECURITY' ELSE '' END
        || CASE WHEN c.relforcerowsecurity THEN ' FORCED' ELSE '' END
        || ' REPLICA IDENTITY ' || c.relreplident::text
        {_RELATION} WHERE c.relkind IN ('r', 'p', 'f') AND {_OWN} AND {_no_member("pg_class", "c")}""",
    "views": f"""SELECT n.nspname, c.relname, CASE c.relkind WHEN 'm' THEN 'materialized ' ELSE '' END
        || CASE WHEN c.relispopulated THEN '' ELSE 'unpopulated ' END || pg_catalog.pg_get_viewdef(c.oid)
        || coalesce(c.reloptions::text, '')
        {_RELATION} WHERE c.relkind IN ('v', 'm') AND {_OWN} AND {_no_member("pg_class", "c")}""",
    "indexes": f"""SELECT n.nspname, c.relname, pg_catalog.pg_get_indexdef(c.oid)
        || CASE WHEN x.indisvalid AND x.indisready AND x.indislive THEN '' ELSE ' INVALID' END
        || CASE WHEN x.indisclustered THEN ' CLUSTERED' ELSE '' END
        {_RELATION} JOIN pg_catalog.pg_index x ON x.indexrelid = c.oid WHERE {_OWN}""",
    "constraints": f"""SELECT n.nspname, coalesce(c.relname, t.typname) || ' ' || k.conname,
        pg_catalog.pg_get_constraintdef(k.oid) FROM pg_catalog.pg_constraint k
        JOIN pg_catalog.pg_namespace n ON n.oid = k.connamespace
        LEFT JOIN pg_catalog.pg_class c ON c.oid = nullif(k.conrelid, 0)
        LEFT JOIN pg_catalog.pg_type t ON t.oid = nullif(k.contypid, 0)
        WHERE {_OWN} AND k.contype <> 't'""",
    "triggers": f"""SELECT n.nspname, c.relname || ' ' || t.tgname,
        pg_catalog.pg_get_triggerdef(t.oid) || ' ' || t.tgenabled::text
        {_RELATION} JOIN pg_catalog.pg_trigger t ON t.tgrelid = c.oid WHERE NOT t.tgisinternal AND {_OWN}""",
    "rules": f"""SELECT n.nspname, c.relname || ' ' || r.rulename,
        pg_catalog.pg_get_ruledef(r.oid) || ' ' || r.ev_enabled::text
        {_RELATION} JOIN pg_catalog.pg_rewrite r ON r.ev_class = c.oid WHERE r.rulename <> '_RETURN' AND {_OWN}""",
    "policies": f"""SELECT n.nspname, c.relname || ' ' || p.polname, pg_catalog.concat_ws(' ', p.polcmd,
        p.polpermissive, (SELECT pg_catalog.string_agg(CASE o WHEN 0 THEN 'public' ELSE
        pg_catalog.pg_get_userbyid(o)::text END, ',' ORDER BY 1) FROM pg_catalog.unnest(p.polroles) o),
        pg_catalog.pg_get_expr(p.polqual, p.polrelid), pg_catalog.pg_get_expr(p.polwithcheck, p.polrelid))
        {_RELATION} JOIN pg_catalog.pg_policy p ON p.polrelid = c.oid WHERE {_OWN}""",
    "functions": f"""SELECT n.nspname, {_FUNCTION}, CASE WHEN KIND THEN pg_catalog.pg_get_function_result(p.oid)
        || ' ' || (SELECT pg_catalog.concat_ws(' ', a.aggtransfn, a.aggfinalfn, a.aggtranstype::regtype,
        a.agginitval, a.aggcombinefn, a.aggsortop::regoper, a.aggkind) FROM pg_catalog.pg_aggregate a
        WHERE a.aggfnoid = p.oid) ELSE pg_catalog.pg_get_functiondef(p.oid) END
        FROM pg_catalog.pg_proc p JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace
        WHERE {_OWN} AND {_no_member("pg_proc", "p")}""",
    "types": f"""SELECT n.nspname, t.typname, CASE t.typtype
        WHEN 'e' THEN 'enum ' || coalesce((SELECT pg_catalog.string_agg(pg_catalog.quote_literal(e.enumlabel), ', '
            ORDER BY e.enumsortorder) FROM pg_catalog.pg_enum e WHERE e.enumtypid = t.oid), '')
        WHEN 'd' THEN 'domain ' || pg_catalog.format_type(t.typbasetype, t.typtypmod)
            || CASE WHEN t.typnotnull THEN ' NOT NULL' ELSE '' END || coalesce(' DEFAULT ' || t.typdefault, '')
        WHEN 'c' THEN 'composite (' || coalesce((SELECT pg_catalog.string_agg(pg_catalog.quote_ident(a.attname) || ' '
            || pg_catalog.format_type(a.atttypid, a.atttypmod), ', ' ORDER BY a.attnum)
            FROM pg_catalog.pg_attribute a WHERE a.attrelid = t.typrelid AND NOT a.attisdropped), '') || ')'
        ELSE 'range ' || coalesce((SELECT pg_catalog.format_type(r.rngsubtype, NULL) FROM pg_catalog.pg_range r
            WHERE r.rngtypid = t.oid), '') END
        FROM pg_catalog.pg_type t JOIN pg_catalog.pg_namespace n ON n.oid = t.typnamespace
        LEFT JOIN pg_catalog.pg_class c ON c.oid = t.typrelid
        WHERE {_OWN} AND {_no_member("pg_type", "t")}
        AND (t.typtype IN ('e', 'd', 'r') OR (t.typtype = 'c' AND c.relkind = 'c'))""",
    "sequences": """SELECT n.nspname, c.relname, pg_catalog.concat_ws(' ', pg_catalog.format_type(s.seqtypid, NULL),
        'start', s.seqstart, 'increment', s.seqincrement, 'from', s.seqmin, 'to', s.seqmax, 'cache', s.seqcache,
        CASE WHEN s.seqcycle THEN 'cycle' END)
        FROM pg_catalog.pg_sequence s JOIN pg_catalog.pg_class c ON c.oid = s.seqrelid
        JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace WHERE c.relpersistence <> 't'""",
    "statistics": f"""SELECT n.nspname, s.stxname, pg_catalog.pg_get_statisticsobjdef(s.oid)
        FROM pg_catalog.pg_statistic_ext s JOIN pg_catalog.pg_namespace n ON n.oid = s.stxnamespace WHERE {_OWN}""",
    "event_triggers": """SELECT NULL, e.evtname, pg_catalog.concat_ws(' ', e.evtevent, e.evtfoid::regprocedure,
        e.evtenabled, e.evttags) FROM pg_catalog.pg_event_trigger e""",
    "publications": """SELECT NULL, p.pubname, pg_catalog.concat_ws(' ', p.puballtables, p.pubinsert, p.pubupdate,
        p.pubdelete, (SELECT pg_catalog.string_agg(t.schemaname || '.' || t.tablename, ',' ORDER BY 1)
        FROM pg_catalog.pg_publication_tables t WHERE t.pubname = p.pubname)) FROM pg_catalog.pg_publication p""",
    "privileges": f"""SELECT n.nspname, CASE c.relkind WHEN 'S' THEN 'sequence ' ELSE 'relation ' END || c.relname,
        {_acl("c.relowner", "CASE c.relkind WHEN 'S' THEN 's' ELSE 'r' END::" + '"char"', "c.relacl")}
        || coalesce((SELECT pg_catalog.string_agg(' ' || pg_catalog.quote_ident(a.attname) || ' ' || a.attacl::text,
            '' ORDER BY a.attname) FROM pg_catalog.pg_attribute a
            WHERE a.attrelid = c.oid AND a.attacl IS NOT NULL), '')
        {_RELATION} WHERE c.relkind IN ('r', 'p', 'f', 'v', 'm', 'S') AND {_OWN}
        UNION ALL SELECT n.nspname, 'schema', {_acl("n.nspowner", "'n'", "n.nspacl")}
        FROM pg_catalog.pg_namespace n WHERE {_OWN}
        UNION ALL SELECT n.nspname, 'function ' || {_FUNCTION}, {_acl("p.proowner", "'f'", "p.proacl")}
        FROM pg_catalog.pg_proc p JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace
        WHERE {_OWN} AND {_no_member("pg_proc", "p")}
        UNION ALL SELECT n.nspname, 'default of ' || pg_catalog.pg_get_userbyid(d.defaclrole) || ' for '
        || d.defaclobjtype::text, d.defaclacl::text FROM pg_catalog.pg_default_acl d
        LEFT JOIN pg_catalog.pg_namespace n ON n.oid = d.defaclnamespace""",
    "collations": """SELECT n.nspname, c.collname, pg_catalog.concat_ws(' ', c.collprovider, c.collcollate,
        c.collctype, 'version', c.collversion, 'actual', pg_catalog.pg_collation_actual_version(c.oid))
        FROM pg_catalog.pg_collation c JOIN pg_catalog.pg_namespace n ON n.oid = c.collnamespace
        WHERE c.oid IN (SELECT a.attcollation FROM pg_catalog.pg_attribute a) AND c.collname NOT IN
        ('default', 'C', 'POSIX')
        UNION ALL SELECT NULL, 'default', DEFAULT_VERSION FROM pg_catalog.pg_database d
        WHERE d.datname = pg_catalog.current_database()""",
}
_OF_SERVER: dict[str, str] = {
    "databases": """SELECT NULL, d.datname, pg_catalog.concat_ws(' ', 'owner', pg_catalog.pg_get_userbyid(d.datdba),
        pg_catalog.pg_encoding_to_char(d.encoding), d.datcollate, d.datctype, 'template', d.datistemplate, 'open',
        d.datallowconn, 'limit', d.datconnlimit) FROM pg_catalog.pg_database d""",
    "roles": """SELECT NULL, r.rolname, pg_catalog.concat_ws(' ', 'superuser', r.rolsuper, 'inherit', r.rolinherit,
        'createrole', r.rolcreaterole, 'createdb', r.rolcreatedb, 'login', r.rolcanlogin, 'replication',
        r.rolreplication, 'bypassrls', r.rolbypassrls, 'limit', r.rolconnlimit, 'until', r.rolvaliduntil, 'member of',
        (SELECT pg_catalog.string_agg(pg_catalog.quote_ident(g.rolname) || CASE WHEN m.admin_option THEN ' (admin)'
            ELSE '' END, ', ' ORDER BY g.rolname) FROM pg_catalog.pg_auth_members m
            JOIN pg_catalog.pg_roles g ON g.oid = m.roleid WHERE m.member = r.oid))
        FROM pg_catalog.pg_roles r WHERE r.rolname !~ '^pg_'""",
    "settings": """SELECT NULL, pg_catalog.concat_ws(' ', 'role', r.rolname, 'database', d.datname,
        pg_catalog.split_part(one, '=', 1)), one FROM pg_catalog.pg_db_role_setting s
        LEFT JOIN pg_catalog.pg_database d ON d.oid = s.setdatabase
        LEFT JOIN pg_catalog.pg_roles r ON r.oid = s.setrole
        CROSS JOIN LATERAL pg_catalog.unnest(s.setconfig) AS one""",
    "database_privileges": f"SELECT NULL, d.datname, {_acl('d.datdba', chr(39) + 'd' + chr(39), 'd.datacl')}"
    " FROM pg_catalog.pg_database d",
}
KINDS = (*_OF_SERVER, *_STATEMENTS, "sequence_values", "large_objects", "contents")


class SequenceValue(NamedTuple):
    """log_cnt: values that the WAL holds as used already, in steps of increment."""

    last_value: int
    log_cnt: int
    is_called: bool
    increment: int


class Inventory(NamedTuple):
    """definitions: by kind. sequences: None for one that may not be read. unread: kinds that may not be read."""

    definitions: Mapping[str, Definitions]
    tables: tuple[Table, ...]
    sequences: Mapping[Key, SequenceValue | None]
    unread: tuple[str, ...]


def of_server(session: Session, kinds: Sequence[str]) -> tuple[dict[str, Definitions], list[str]]:
    """Definitions of what is not in any database, and the kinds that could not be read."""
    return _read(session, {kind: text for kind, text in _OF_SERVER.items() if kind in kinds}, lambda _schema: True)


def of_database(session: Session, kinds: Sequence[str], wanted: Callable[[str], bool]) -> Inventory:
    """Of the database that the session is connected to. wanted: whether a schema is to be compared."""
    kind_of_aggregate = "p.prokind = 'a'" if session.major >= 11 else "p.proisagg"
    version = "concat_ws(' ', d.datcollate, 'version', d.datcollversion, 'actual',"
    version += " pg_catalog.pg_database_collation_actual_version(d.oid))"
    default_version = f"pg_catalog.{version}" if session.major >= 15 else "d.datcollate::text"
    statements = {
        kind: text.replace("KIND", kind_of_aggregate).replace("DEFAULT_VERSION", default_version)
        for kind, text in _STATEMENTS.items()
        if kind in kinds
    }
    if session.major < 13:
        # There is no regcollation yet.
        statements = {
            k: t.replace("a.attcollation::regcollation::text", "a.attcollation::text") for k, t in statements.items()
        }
    definitions, unread = _read(session, statements, wanted)
    tables = _tables(session, wanted) if "contents" in kinds else []
    if "large_objects" in kinds:
        tables += _large_objects(session)
    values = _sequence_values(session, wanted) if "sequence_values" in kinds else {}
    return Inventory(definitions, tuple(tables), values, tuple(unread))


def _read(
    session: Session, statements: Mapping[str, str], wanted: Callable[[str], bool]
) -> tuple[dict[str, Definitions], list[str]]:
    definitions: dict[str, Definitions] = {}
    unread = []
    for kind, text in statements.items():
        rows = optional(session, text)
        if rows is None:
            unread.append(kind)
            continue
        by_name = kind == "schemas"
        definitions[kind] = {
            (schema or "", name): definition or ""
            for schema, name, definition in rows
            if wanted(name if by_name else schema or "")
        }
    return definitions, unread


def _tables(session: Session, wanted: Callable[[str], bool]) -> list[Table]:
    block = "pg_catalog.current_setting('block_size')::int"
    try:
        rows = session.read(
            _tables_statement(f"pg_catalog.pg_relation_size(c.oid) / {block}", "pg_catalog.pg_table_size(c.oid)")
        )
    except MigrationFailure as failure:
        if failure.code not in _BUSY:
            raise
        # Sizes need a lock that somebody keeps from us. What was measured last is good enough: the last part of a table
        # has no end.
        rows = session.read(_tables_statement("c.relpages", f"c.relpages::bigint * {block}"))
    return [
        Table(schema, name, tuple(sorted(columns)), blocks or 0, size or 0)
        for schema, name, columns, blocks, size in rows
        if wanted(schema)
    ]


def _tables_statement(blocks: str, size: str) -> str:
    return f"""
        SELECT n.nspname, c.relname,
            coalesce((SELECT pg_catalog.array_agg(a.attname::text) FROM pg_catalog.pg_attribute a
                WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped), '{{}}'),
            {blocks}, {size}
        {_RELATION} WHERE c.relkind IN ('r', 'm') AND c.relispopulated AND c.relpersistence <> 't' AND {_OWN}
        """


def _large_objects(session: Session) -> list[Table]:
    blocks, size = session.read(
        "SELECT pg_catalog.pg_relation_size('pg_catalog.pg_largeobject') / current_setting('block_size')::int,"
        " pg_catalog.pg_table_size('pg_catalog.pg_largeobject')"
    )[0]
    return [
        Table("pg_catalog", "pg_largeobject", ("data", "loid", "pageno"), blocks, size),
        # An object without any data has no row in the former.
        Table("pg_catalog", "pg_largeobject_metadata", ("oid",), 0, 0),
    ]


def _sequence_values(session: Session, wanted: Callable[[str], bool]) -> dict[Key, SequenceValue | None]:
    found = session.read(
        "SELECT n.nspname, c.relname, s.seqincrement, pg_catalog.has_table_privilege(c.oid, 'SELECT')"
        " FROM pg_catalog.pg_sequence s JOIN pg_catalog.pg_class c ON c.oid = s.seqrelid"
        " JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace WHERE c.relpersistence <> 't' ORDER BY 1, 2"
    )
    values: dict[Key, SequenceValue | None] = {(s, n): None for s, n, _i, _r in found if wanted(s)}
    readable = [(s, n, i) for s, n, i, may_read in found if may_read and wanted(s)]
    for start in range(0, len(readable), 200):
        batch = readable[start : start + 200]
        rows = session.read(
            " UNION ALL ".join(
                f"SELECT {number}, last_value, log_cnt, is_called FROM {identifier(s, n)}"
                for number, (s, n, _increment) in enumerate(batch)
            )
        )
        for number, last, log, called in rows:
            schema, name, increment = batch[number]
            values[schema, name] = SequenceValue(last, log, called, increment)
    return values
