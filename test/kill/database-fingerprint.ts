/** Everything that a restore has to bring back of a database, as lines that can be compared: rows without their order, definitions, states, rights. Names of Sluice's own are among them when there are any. */
import pg from 'pg';

const MINE = `n.nspname !~ '^pg_(?!not)' AND n.nspname <> 'information_schema'`;

const LINES = [
  `SELECT 'schema ' || nspname || ' ' || coalesce(nspacl::text, '') FROM pg_namespace n WHERE ${MINE}`,
  `SELECT 'relation ' || concat_ws(' ', c.relkind, c.relpersistence, n.nspname, c.relname, pg_get_userbyid(c.relowner), c.relacl::text, c.relrowsecurity, c.relforcerowsecurity, c.relispopulated, c.relreplident, c.reloptions::text)
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE ${MINE} AND c.relkind <> 't'`,
  `SELECT 'column ' || concat_ws(' ', n.nspname, c.relname, a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull, a.attidentity, a.attgenerated, a.attacl::text, pg_get_expr(d.adbin, d.adrelid))
    FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid JOIN pg_namespace n ON n.oid = c.relnamespace LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum WHERE ${MINE} AND a.attnum > 0 AND NOT a.attisdropped AND c.relkind <> 't'`,
  `SELECT 'index ' || pg_get_indexdef(i.indexrelid) || ' ' || i.indisvalid FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid JOIN pg_namespace n ON n.oid = c.relnamespace WHERE ${MINE}`,
  `SELECT 'constraint ' || concat_ws(' ', n.nspname, o.conrelid::regclass, o.conname, pg_get_constraintdef(o.oid), o.convalidated) FROM pg_constraint o JOIN pg_namespace n ON n.oid = o.connamespace WHERE ${MINE}`,
  `SELECT 'trigger ' || pg_get_triggerdef(t.oid) || ' ' || t.tgenabled::text FROM pg_trigger t WHERE NOT t.tgisinternal`,
  `SELECT 'rule ' || pg_get_ruledef(r.oid) || ' ' || r.ev_enabled::text FROM pg_rewrite r JOIN pg_class c ON c.oid = r.ev_class JOIN pg_namespace n ON n.oid = c.relnamespace WHERE ${MINE}`,
  `SELECT 'policy ' || concat_ws(' ', p.polrelid::regclass, p.polname, p.polcmd, pg_get_expr(p.polqual, p.polrelid), pg_get_expr(p.polwithcheck, p.polrelid)) FROM pg_policy p`,
  `SELECT 'routine ' || concat_ws(' ', n.nspname, p.proname, pg_get_function_identity_arguments(p.oid), md5(p.prosrc), pg_get_userbyid(p.proowner), p.proacl::text) FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace WHERE ${MINE}
    AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.objid = p.oid AND d.deptype = 'e')`,
  `SELECT 'type ' || concat_ws(' ', n.nspname, t.typname, t.typtype, pg_get_userbyid(t.typowner), t.typacl::text) FROM pg_type t JOIN pg_namespace n ON n.oid = t.typnamespace WHERE ${MINE} AND t.typcategory <> 'A'`,
  `SELECT 'sequence ' || concat_ws(' ', schemaname, sequencename, start_value, increment_by, last_value) FROM pg_sequences`,
  `SELECT 'large object ' || concat_ws(' ', oid, pg_get_userbyid(lomowner), lomacl::text, md5(lo_get(oid)), obj_description(oid, 'pg_largeobject')) FROM pg_largeobject_metadata`,
  `SELECT 'event trigger ' || concat_ws(' ', evtname, evtenabled, evtevent) FROM pg_event_trigger`,
  `SELECT 'publication ' || concat_ws(' ', pubname, puballtables, pubinsert, (SELECT string_agg(concat_ws('.', schemaname, tablename), ',' ORDER BY schemaname, tablename) FROM pg_publication_tables t WHERE t.pubname = p.pubname AND NOT puballtables)) FROM pg_publication p`,
  `SELECT 'server ' || concat_ws(' ', srvname, srvoptions::text) FROM pg_foreign_server`,
  `SELECT 'extension ' || extname FROM pg_extension`,
  `SELECT 'comments ' || count(*) FROM pg_description d WHERE NOT EXISTS (SELECT FROM pg_depend p WHERE p.classid = d.classoid AND p.objid = d.objoid AND p.deptype = 'e') AND d.objoid >= 16384`,
  `SELECT 'text search ' || cfgname FROM pg_ts_config JOIN pg_namespace n ON n.oid = cfgnamespace WHERE ${MINE}`,
  `SELECT 'default rights ' || concat_ws(' ', pg_get_userbyid(defaclrole), defaclnamespace::regnamespace, defaclobjtype, defaclacl::text) FROM pg_default_acl`,
];

/** Partitions are read through their roots: hashes of enums place rows differently in each database. */
const TABLES = `SELECT format('SELECT %L || count(*) || '' '' || coalesce(sum(hashtextextended(t::text, 0)), 0) FROM %s AS t', 'rows ' || c.oid::regclass || ' ',
    CASE WHEN c.relkind = 'r' THEN format('ONLY %s', c.oid::regclass) ELSE c.oid::regclass::text END)
  FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE ${MINE} AND (c.relkind IN ('r', 'p') AND NOT c.relispartition OR c.relkind = 'm' AND c.relispopulated)
    AND NOT EXISTS (SELECT FROM pg_partition_tree(c.oid) t JOIN pg_class f ON f.oid = t.relid WHERE f.relkind = 'f')`;

export async function fingerprint(url: string): Promise<string[]> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    await client.query(`SET search_path = ''; SET TimeZone = 'UTC'; SET client_min_messages = error`);
    const ask = async (sql: string): Promise<string[]> => (await client.query<[string]>({ text: sql, rowMode: 'array' })).rows.map(([line]) => line);
    const lines: string[] = [];
    for (const sql of LINES) lines.push(...await ask(sql));
    for (const sql of await ask(TABLES)) lines.push(...await ask(sql));
    return lines.toSorted();
  } finally {
    await client.end();
  }
}

/** Empty where they are the same. */
export function differences(wanted: readonly string[], found: readonly string[]): string[] {
  const [left, right] = [new Set(wanted), new Set(found)];
  return [...wanted.filter((line) => !right.has(line)).map((line) => `- ${line}`), ...found.filter((line) => !left.has(line)).map((line) => `+ ${line}`)];
}
