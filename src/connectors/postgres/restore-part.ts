/**
 * One part of a table: its COPY and its entry in the ledger in one transaction. With a condition the rows go through a temporary table of the session first, and those that meet it on into the table.
 */
import { SluiceError } from '../../errors/sluice-error.ts';
import type { CopyShape, RestoredTable, RestorePartStream } from '../restore-target.ts';
import { copyIn } from './copy-in.ts';
import type { Session } from './driver.ts';
import { usualPath } from './restore-definition.ts';
import type { RestoreLedger } from './restore-ledger.ts';
import { identifierList, qualifiedName, quoteLiteral } from './sql.ts';

export interface PartCopy {
  readonly table: RestoredTable;
  readonly shape: CopyShape;
  readonly part: RestorePartStream;
  readonly progress: (bytes: number) => void;
  readonly signal: AbortSignal;
  readonly ledger: RestoreLedger;
  readonly tables: PartTables;
}

const TEMPORARY = 'pg_temp.sluice_part';

/** Which table the temporary one of each session has the shape of. */
export class PartTables {
  readonly #shapes = new WeakMap<Session, string>();

  async ready(session: Session, table: RestoredTable, signal: AbortSignal): Promise<void> {
    if (this.#shapes.get(session) === table.oid) return;
    await session.query(`DROP TABLE IF EXISTS ${TEMPORARY}; CREATE TEMPORARY TABLE sluice_part (LIKE ${qualifiedName(table.name)} INCLUDING GENERATED) `, { signal, table: table.display });
    this.#shapes.set(session, table.oid);
  }

  /** What it had was made in a transaction that is rolled back. */
  forget(session: Session): void {
    this.#shapes.delete(session);
  }
}

/** @returns rows that the server took */
export async function copyPart(session: Session, copy: PartCopy): Promise<number> {
  const { table, part, signal, ledger } = copy;
  try {
    // For functions in checks and generated columns which do not name the schema of what they use.
    const written = await copyRows(session, copy, `BEGIN; ${usualPath(table.name.schema ?? 'public')}`);
    const { rows, bytes } = part.counts();
    await session.query(`${ledger.entrySql('part', part.index, table.display, { read: rows, written, bytes }, table.isUnlogged)} COMMIT`, { signal, table: table.display });
    return written;
  } catch (error) {
    if (session.usable) await session.query('ROLLBACK').catch(() => undefined);
    throw error;
  }
}

/** Within a transaction, or as the first thing in one that `begin` begins. */
export async function copyRows(session: Session, copy: Omit<PartCopy, 'ledger'>, begin = ''): Promise<number> {
  const { table, shape, part, signal } = copy;
  if (shape.where !== undefined) await copy.tables.ready(session, table, signal);
  const into = shape.where === undefined ? qualifiedName(table.name) : TEMPORARY;
  const columns = shape.columns === undefined || shape.columns.length === 0 ? '' : ` (${identifierList(shape.columns)})`;
  const format = shape.encoding === 'copy-binary' ? 'FORMAT binary' : `FORMAT text, ENCODING ${quoteLiteral(shape.charset)}`;
  const taken = await copyIn(session, `${begin}COPY ${into}${columns} FROM STDIN WITH (${format})`, part.chunks, { table: table.display, columns: shape.columns ?? [], signal, progress: copy.progress });
  const { rows } = part.counts();
  if (taken !== rows) throw unbalanced(table.display, part.index, rows, taken);
  return shape.where === undefined ? taken : moveMatching(session, copy, columns);
}

async function moveMatching(session: Session, { table, shape, signal }: Omit<PartCopy, 'ledger'>, columns: string): Promise<number> {
  const list = shape.columns === undefined || shape.columns.length === 0 ? '*' : identifierList(shape.columns);
  const sql = `INSERT INTO ${qualifiedName(table.name)}${columns} OVERRIDING SYSTEM VALUE SELECT ${list} FROM ${TEMPORARY} AS ${qualifiedName({ name: table.name.name })} WHERE (${shape.where}\n)`;
  const { count } = await session.query(sql, { signal, table: table.display, isQuery: true });
  await session.query(`TRUNCATE ${TEMPORARY}`, { signal });
  return count;
}

function unbalanced(table: string, part: number, read: number, written: number): SluiceError {
  return new SluiceError('RECEIPT_UNBALANCED', { table, read, written, rejected: 0, duplicate: 0, skipped: 0 }, { table, part });
}
