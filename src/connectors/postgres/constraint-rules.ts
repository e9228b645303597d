/**
 * The constraints of a target as the catalog has them, ready to be asked of staged rows: expressions as SQL over column names, comparisons with the
 * operators that the server itself would use.
 */
import type { CatalogTable } from './catalog.ts';
import type { QueryOptions, Row, Session } from './driver.ts';

export interface CheckRule {
  readonly name: string;
  readonly expression: string;
}

export interface UniqueRule {
  readonly name: string;
  /** SQL over the table's columns, with collation. */
  readonly keys: readonly string[];
  /** Plain columns; undefined where a key is an expression. */
  readonly columns: readonly string[] | undefined;
  /** `OPERATOR(schema.=)` of each key. */
  readonly equals: readonly string[];
  readonly predicate: string | undefined;
  readonly nullsEqual: boolean;
  /** GROUP BY has the same idea of equality. */
  readonly groupable: boolean;
  readonly deferrable: boolean;
}

export interface ForeignKeyRule {
  readonly name: string;
  readonly columns: readonly string[];
  readonly parent: string;
  readonly parentOid: string;
  readonly parentColumns: readonly string[];
  /** Parent's value on the left. */
  readonly equals: readonly string[];
  readonly full: boolean;
  readonly deferrable: boolean;
  readonly parentReadable: boolean;
  readonly parentLockable: boolean;
}

/** A column that is not loaded: what the server will put there, where that is the same for all rows. */
export interface FilledColumn {
  readonly name: string;
  readonly expression: string;
  readonly generated: boolean;
}

export interface ConstraintRules {
  readonly notNull: readonly string[];
  readonly checks: readonly CheckRule[];
  readonly uniques: readonly UniqueRule[];
  readonly foreignKeys: readonly ForeignKeyRule[];
  readonly hasExclusions: boolean;
  /** Some of them are only enforced by triggers. */
  readonly hasDeferrableExclusions: boolean;
  readonly filled: readonly FilledColumn[];
  /** Of the target: by the session's user. */
  readonly readable: boolean;
  readonly lockable: boolean;
  readonly owned: boolean;
}

export interface ConstrainedTable {
  readonly table: CatalogTable;
  /** The columns that rows bring. */
  readonly loaded: ReadonlySet<string>;
}

/** Of all tables at once: the time of a question is mostly that of its planning and its way. @returns in the order of the tables */
export async function readConstraintRules(session: Session, tables: readonly ConstrainedTable[], options: QueryOptions): Promise<ConstraintRules[]> {
  if (tables.length === 0) return [];
  const oids = tables.map(({ table }) => table.oid).join(', ');
  // The first column says which table a row is of.
  const ask = async (sql: string): Promise<(table: CatalogTable) => readonly Row[]> => {
    const byTable = Map.groupBy((await session.query(sql, options)).rows, ([oid]) => oid!);
    return ({ oid }) => (byTable.get(oid) ?? []).map((row) => row.slice(1));
  };
  const facts = await ask(`
    SELECT c.oid, pg_catalog.has_table_privilege(c.oid, 'SELECT'), pg_catalog.has_table_privilege(c.oid, 'UPDATE, DELETE, TRUNCATE'), pg_catalog.pg_has_role(c.relowner, 'USAGE'),
      EXISTS (SELECT FROM pg_catalog.pg_constraint k WHERE k.conrelid = c.oid AND k.contype = 'x'),
      EXISTS (SELECT FROM pg_catalog.pg_constraint k WHERE k.conrelid = c.oid AND k.contype = 'x' AND k.condeferrable)
    FROM pg_catalog.pg_class c WHERE c.oid IN (${oids})`);
  const checks = await ask(`SELECT k.conrelid, k.conname, pg_catalog.pg_get_expr(k.conbin, k.conrelid) FROM pg_catalog.pg_constraint k
      WHERE k.conrelid IN (${oids}) AND k.contype = 'c' AND ${ENFORCED} ORDER BY k.conname`);
  const uniques = await ask(uniqueSql(oids));
  const foreignKeys = await ask(foreignKeySql(oids));
  const filled = await ask(filledSql(oids));
  return tables.map(({ table, loaded }) => {
    const [[readable, lockable, owned, exclusions, deferrableExclusions]] = facts(table);
    return {
      notNull: table.columns.filter((column) => !column.nullable && loaded.has(column.name)).map((column) => column.name),
      checks: checks(table).map(([name, expression]) => ({ name: name!, expression: expression! })),
      uniques: uniques(table).map(uniqueRule),
      foreignKeys: foreignKeys(table).map(foreignKeyRule),
      hasExclusions: exclusions === 't',
      hasDeferrableExclusions: deferrableExclusions === 't',
      filled: filledColumns(filled(table), loaded),
      readable: readable === 't', lockable: lockable === 't', owned: owned === 't',
    };
  });
}

/** Since version 18 a constraint may be there without being enforced. */
const ENFORCED = `COALESCE((pg_catalog.to_jsonb(k) ->> 'conenforced')::bool, true)`;

/** In the order in which the server looks at them. */
function uniqueSql(oids: string): string {
  return `
    SELECT i.indrelid, c.relname, key.texts, key.names, key.operators, pg_catalog.pg_get_expr(i.indpred, i.indrelid),
      COALESCE((pg_catalog.to_jsonb(i) ->> 'indnullsnotdistinct')::bool, false), key.usual, NOT i.indimmediate
    FROM pg_catalog.pg_index i JOIN pg_catalog.pg_class c ON c.oid = i.indexrelid CROSS JOIN LATERAL (
      SELECT pg_catalog.bool_and(oc.opcdefault OR oc.opcname LIKE '%pattern\\_ops') AS usual,
        pg_catalog.json_agg('(' || pg_catalog.pg_get_indexdef(i.indexrelid, n, false) || ')' || COALESCE(' COLLATE ' || pg_catalog.quote_ident(cn.nspname) || '.' || pg_catalog.quote_ident(co.collname), '') ORDER BY n) AS texts,
        pg_catalog.json_agg(a.attname ORDER BY n) AS names,
        pg_catalog.json_agg('OPERATOR(' || pg_catalog.quote_ident(opn.nspname) || '.' || op.oprname || ')' ORDER BY n) AS operators
      FROM pg_catalog.generate_series(1, i.indnkeyatts) AS n
      JOIN pg_catalog.pg_opclass oc ON oc.oid = i.indclass[n - 1]
      JOIN pg_catalog.pg_amop ao ON ao.amopfamily = oc.opcfamily AND ao.amoplefttype = oc.opcintype AND ao.amoprighttype = oc.opcintype AND ao.amopstrategy = 3
      JOIN pg_catalog.pg_operator op ON op.oid = ao.amopopr JOIN pg_catalog.pg_namespace opn ON opn.oid = op.oprnamespace
      LEFT JOIN pg_catalog.pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = i.indkey[n - 1] AND a.attnum > 0
      LEFT JOIN pg_catalog.pg_collation co ON co.oid = i.indcollation[n - 1] AND co.collname <> 'default'
      LEFT JOIN pg_catalog.pg_namespace cn ON cn.oid = co.collnamespace) AS key
    WHERE i.indrelid IN (${oids}) AND i.indisunique AND NOT i.indisexclusion AND i.indislive
    ORDER BY i.indexrelid`;
}

function uniqueRule([name, texts, names, operators, predicate, nullsEqual, usual, deferrable]: Row): UniqueRule {
  const columns = JSON.parse(names!) as (string | null)[];
  return {
    name: name!, keys: JSON.parse(texts!) as string[], equals: JSON.parse(operators!) as string[], predicate: predicate ?? undefined,
    columns: columns.includes(null) ? undefined : (columns as string[]), nullsEqual: nullsEqual === 't', groupable: usual === 't', deferrable: deferrable === 't',
  };
}

/** Those of single partitions of the parent stand behind the one of the whole. */
function foreignKeySql(oids: string): string {
  const names = (relation: string, key: string): string => `(SELECT pg_catalog.json_agg(a.attname ORDER BY n) FROM pg_catalog.unnest(${key}) WITH ORDINALITY AS u(attnum, n)
        JOIN pg_catalog.pg_attribute a ON a.attrelid = ${relation} AND a.attnum = u.attnum)`;
  return `
    SELECT k.conrelid, k.conname, ${names('k.conrelid', 'k.conkey')}, CASE WHEN p.relkind = 'r' THEN 'ONLY ' ELSE '' END || pg_catalog.quote_ident(pn.nspname) || '.' || pg_catalog.quote_ident(p.relname), p.oid,
      ${names('k.confrelid', 'k.confkey')},
      (SELECT pg_catalog.json_agg('OPERATOR(' || pg_catalog.quote_ident(opn.nspname) || '.' || op.oprname || ')' ORDER BY n) FROM pg_catalog.unnest(k.conpfeqop) WITH ORDINALITY AS u(oid, n)
        JOIN pg_catalog.pg_operator op ON op.oid = u.oid JOIN pg_catalog.pg_namespace opn ON opn.oid = op.oprnamespace),
      k.confmatchtype = 'f', k.condeferrable, pg_catalog.has_table_privilege(p.oid, 'SELECT'), pg_catalog.has_table_privilege(p.oid, 'UPDATE, DELETE, TRUNCATE')
    FROM pg_catalog.pg_constraint k JOIN pg_catalog.pg_class p ON p.oid = k.confrelid JOIN pg_catalog.pg_namespace pn ON pn.oid = p.relnamespace
    WHERE k.conrelid IN (${oids}) AND k.contype = 'f' AND ${ENFORCED}
      AND NOT EXISTS (SELECT FROM pg_catalog.pg_constraint whole WHERE whole.oid = k.conparentid AND whole.conrelid = k.conrelid)
    ORDER BY k.conname`;
}

function foreignKeyRule([name, columns, parent, parentOid, parentColumns, equals, full, deferrable, readable, lockable]: Row): ForeignKeyRule {
  return {
    name: name!, columns: JSON.parse(columns!) as string[], parent: parent!, parentOid: parentOid!, parentColumns: JSON.parse(parentColumns!) as string[],
    equals: JSON.parse(equals!) as string[], full: full === 't', deferrable: deferrable === 't', parentReadable: readable === 't', parentLockable: lockable === 't',
  };
}

function filledSql(oids: string): string {
  return `SELECT a.attrelid, a.attname, pg_catalog.format_type(a.atttypid, a.atttypmod), pg_catalog.pg_get_expr(d.adbin, d.adrelid), a.attgenerated <> '', a.attidentity <> '' OR t.typdefault IS NOT NULL
    FROM pg_catalog.pg_attribute a JOIN pg_catalog.pg_type t ON t.oid = a.atttypid LEFT JOIN pg_catalog.pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
    WHERE a.attrelid IN (${oids}) AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum`;
}

/** Constants, and what stands still within a transaction. Whatever else a default calls might give every row another value. */
const STEADY_DEFAULT = /^(?:(?:'(?:[^']|'')*'|-?\d+(?:\.\d+)?|\(-\d+(?:\.\d+)?\)|true|false|NULL)(?:::[\w" .(),[\]]+)?|now\(\)|CURRENT_(?:TIMESTAMP|DATE|TIME|USER)|LOCALTIME(?:STAMP)?|statement_timestamp\(\))$/s;

function filledColumns(rows: readonly Row[], loaded: ReadonlySet<string>): FilledColumn[] {
  const filled: FilledColumn[] = [];
  const unknown: string[] = [];
  for (const [name, type, text, generated, otherwise] of rows) {
    if (loaded.has(name!) || generated === 't') continue;
    if (otherwise === 't' || (text != null && !STEADY_DEFAULT.test(text))) unknown.push(name!);
    else filled.push({ name: name!, expression: `(${text ?? 'NULL'})::${type}`, generated: false });
  }
  for (const [name, , text, generated] of rows) {
    // Found anywhere in the text, even within another name: then it is only judged by the server itself.
    if (generated === 't' && !unknown.some((column) => text!.includes(column))) filled.push({ name: name!, expression: `(${text})`, generated: true });
  }
  return filled;
}
