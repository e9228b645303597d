import { SluiceError } from '../../errors/sluice-error.ts';
import type { BackupChoice, SequenceState } from '../backup-source.ts';
import type { CatalogBackupTable } from './backup-catalog.ts';
import type { Session } from './driver.ts';
import { IS_OURS, qualifiedName } from './sql.ts';

const SEQUENCES_PER_QUESTION = 200;

interface NamedSequence {
  readonly schema: string;
  readonly name: string;
}

/** Of users: not those of extensions, except where the extension says that their state is configuration. */
const SEQUENCES = `
  SELECT n.nspname, c.relname FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
  WHERE c.relkind = 'S' AND c.relpersistence <> 't' AND n.nspname NOT LIKE 'pg\\_%' AND n.nspname <> 'information_schema' AND NOT ${IS_OURS}
    AND (EXISTS (SELECT FROM pg_catalog.pg_extension e WHERE c.oid = ANY (e.extconfig))
      OR NOT EXISTS (SELECT FROM pg_catalog.pg_depend d WHERE d.classid = 'pg_catalog.pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e'))`;

/** Owned by a column of these tables, or what a default of one takes its values from. */
function usedBy(tables: readonly CatalogBackupTable[]): string {
  const oids = `pg_catalog.unnest('{${tables.map(({ oid }) => oid).join(',')}}'::pg_catalog.oid[])`;
  return `AND c.oid IN (
    SELECT d.objid FROM pg_catalog.pg_depend d WHERE d.classid = 'pg_catalog.pg_class'::regclass AND d.refclassid = 'pg_catalog.pg_class'::regclass AND d.refobjid IN (SELECT ${oids}) AND d.deptype IN ('a', 'i')
    UNION ALL SELECT d.refobjid FROM pg_catalog.pg_attrdef f JOIN pg_catalog.pg_depend d ON d.classid = 'pg_catalog.pg_attrdef'::regclass AND d.objid = f.oid AND d.refclassid = 'pg_catalog.pg_class'::regclass
      WHERE f.adrelid IN (SELECT ${oids}))`;
}

function sequencesOf({ tables: names, exclude }: BackupChoice, tables: readonly CatalogBackupTable[]): string {
  return names.length > 0 || exclude.length > 0 ? `${SEQUENCES} ${usedBy(tables)}` : SEQUENCES;
}

/** They are read last: who may not is to know it first. @throws SluiceError PERMISSION_DENIED */
export async function refuseUnreadableSequences(session: Session, choice: BackupChoice, tables: readonly CatalogBackupTable[], signal: AbortSignal): Promise<void> {
  const { rows } = await session.query(`${sequencesOf(choice, tables)} AND NOT pg_catalog.has_table_privilege(c.oid, 'SELECT') LIMIT 1`, { signal });
  if (rows.length > 0) throw new SluiceError('PERMISSION_DENIED', { connection: session.target.name, reason: `the sequence ${rows[0][0]}.${rows[0][1]} may not be read` });
}

/**
 * By schema and name in byte order. A sequence's state is no part of a snapshot: what is read is that of now. Read after the data, it lies at or behind every value that is in a table.
 * @param onGone told of sequences that were dropped since the snapshot
 */
export async function* readSequences(session: Session, choice: BackupChoice, tables: readonly CatalogBackupTable[], onGone: (sequence: NamedSequence) => void, signal: AbortSignal): AsyncGenerator<SequenceState, void, undefined> {
  const { rows } = await session.query(`${sequencesOf(choice, tables)} ORDER BY n.nspname COLLATE "C", c.relname COLLATE "C"`, { signal });
  const names = rows.map(([schema, name]): NamedSequence => ({ schema: schema!, name: name! }));
  for (let at = 0; at < names.length; at += SEQUENCES_PER_QUESTION) yield* await statesOf(session, names.slice(at, at + SEQUENCES_PER_QUESTION), onGone, signal);
}

async function statesOf(session: Session, names: readonly NamedSequence[], onGone: (sequence: NamedSequence) => void, signal: AbortSignal): Promise<SequenceState[]> {
  const questions = names.map((sequence, i) => `SELECT ${i}, last_value, is_called FROM ${qualifiedName(sequence)}`);
  await session.query('SAVEPOINT sequences', { signal });
  try {
    const { rows } = await session.query(`${questions.join(' UNION ALL ')} ORDER BY 1`, { signal });
    await session.query('RELEASE SAVEPOINT sequences', { signal });
    return rows.map(([i, lastValue, isCalled]) => ({ ...names[Number(i)], lastValue: lastValue!, isCalled: isCalled === 't' }));
  } catch (error) {
    if (!(error instanceof SluiceError) || error.code !== 'TABLE_UNKNOWN') throw error;
    await session.query('ROLLBACK TO SAVEPOINT sequences', { signal });
    if (names.length === 1) {
      onGone(names[0]);
      return [];
    }
    const half = Math.ceil(names.length / 2);
    return [...await statesOf(session, names.slice(0, half), onGone, signal), ...await statesOf(session, names.slice(half), onGone, signal)];
  }
}
