/**
 * One part of a table: its COPY and its entry in the ledger in one transaction. With a condition the rows go through a temporary table of the session first, and those that meet it on into the table.
 */
import { SluiceError } from '../../errors/sluice-error.ts';
import type { CopyShape, RestoredTable, RestorePartStream } from '../restore-target.ts';
import { copyIn } from './copy-in.ts';
import type { Session } from './driver.ts';
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
    await session.query(`DROP TABLE IF EXISTS ${TEMPORARY}; CREATE TEMPORARY TABLE sluice_part (LIKE ${qualifiedName(table.name)} INCLUDING GENERATED) ON COMMIT DELETE ROWS`, { signal, table: table.display });
    this.#shapes.set(session, table.oid);
  }
}

/** @returns rows that the server took */
export async function copyPart(session: Session, copy: PartCopy): Promise<number> {
  const { table, shape, part, signal, ledger } = copy;
  const subject = { table: table.display, columns: shape.columns ?? [] };
  if (shape.where !== undefined) await copy.tables.ready(session, table, signal);
  const into = shape.where === undefined ? qualifiedName(table.name) : TEMPORARY;
  const columns = shape.columns === undefined || shape.columns.length === 0 ? '' : ` (${identifierList(shape.columns)})`;
  const format = shape.encoding === 'copy-binary' ? 'FORMAT binary' : `FORMAT text, ENCODING ${quoteLiteral(shape.charset)}`;
  try {
    const taken = await copyIn(session, `BEGIN; COPY ${into}${columns} FROM STDIN WITH (${format})`, part.chunks, { ...subject, signal, progress: copy.progress });
    const { rows, bytes } = part.counts();
    if (taken !== rows) throw unbalanced(table.display, part.index, rows, taken);
    const written = shape.where === undefined ? taken : await moveMatching(session, copy, columns);
    await session.query(`${ledger.entrySql('part', part.index, table.display, { read: rows, written, bytes }, table.isUnlogged)} COMMIT`, { signal, table: table.display });
    return written;
  } catch (error) {
    if (session.usable) await session.query('ROLLBACK').catch(() => undefined);
    throw error;
  }
}

async function moveMatching(session: Session, { table, shape, signal }: PartCopy, columns: string): Promise<number> {
  const list = shape.columns === undefined || shape.columns.length === 0 ? '*' : identifierList(shape.columns);
  const sql = `INSERT INTO ${qualifiedName(table.name)}${columns} OVERRIDING SYSTEM VALUE SELECT ${list} FROM ${TEMPORARY} AS ${qualifiedName({ name: table.name.name })} WHERE (${shape.where}\n)`;
  return (await session.query(sql, { signal, table: table.display, isQuery: true })).count;
}

function unbalanced(table: string, part: number, read: number, written: number): SluiceError {
  return new SluiceError('RECEIPT_UNBALANCED', { table, read, written, rejected: 0, duplicate: 0, skipped: 0 }, { table, part });
}
