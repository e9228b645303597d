/** What runs of Sluice have in a database for themselves: ledgers and staging tables of those that were interrupted. They are no part of a backup; what such a run has moved or restored is. */
import type { Session } from './driver.ts';
import { IS_OURS } from './sql.ts';

export interface OwnObjects {
  /** That leave them out, for pg_dump. */
  readonly dumpOptions: readonly string[];
  readonly notes: readonly string[];
}

const OWN = `
  SELECT CASE WHEN n.nspname ~ '^sluice_[0-9a-hjkmnp-tv-z]{14}$' THEN n.nspname END, n.nspname, c.relname, pg_catalog.substring(CASE WHEN c.relname ~ '^sluice_' THEN c.relname ELSE n.nspname END, 8, 14)
  FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace WHERE c.relkind IN ('r', 'S') AND c.relpersistence <> 't' AND ${IS_OURS} ORDER BY 2, 3`;

export async function findOwnObjects(session: Session, signal: AbortSignal): Promise<OwnObjects> {
  const { rows } = await session.query(OWN, { signal });
  const ledgers = new Set(rows.flatMap(([ledger]) => (ledger === null ? [] : [ledger])));
  const runs = new Set(rows.map(([, , , run]) => run!));
  return {
    dumpOptions: [
      ...[...ledgers].map((schema) => `--exclude-schema=${literalPattern(schema)}`),
      ...rows.flatMap(([ledger, schema, name]) => (ledger === null ? [`--exclude-table=${literalPattern(schema!)}.${literalPattern(name!)}`] : [])),
    ],
    notes: runs.size === 0 ? [] : [`Unfinished runs of Sluice have changed this database, and what they keep of themselves there is left out: ${[...runs].join(', ')} (\`sluice runs resume\` or \`discard\` ends them)`],
  };
}

/** In quotes nothing is a wildcard. */
function literalPattern(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}
