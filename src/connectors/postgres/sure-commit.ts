/** A COMMIT of which it is known in the end whether it has happened, also where its answer is lost: then the server is asked for what became of the transaction. */
import { SluiceError } from '../../errors/sluice-error.ts';
import type { Session } from './driver.ts';

/**
 * Not cancelled on its way: from here on the transaction has happened.
 * @param reopen opens another session
 * @throws SluiceError CONNECTION_LOST where nothing was committed, or nobody can say
 */
export async function commitSurely(session: Session, reopen: () => Promise<Session>, signal: AbortSignal): Promise<void> {
  const { rows } = await session.query('SELECT pg_catalog.pg_current_xact_id()', { signal });
  const transaction = rows[0][0]!;
  try {
    await session.query('COMMIT');
  } catch (error) {
    if (!(error instanceof SluiceError && error.code === 'CONNECTION_LOST') || !(await hasCommitted(transaction, reopen))) throw error;
  }
}

async function hasCommitted(transaction: string, reopen: () => Promise<Session>): Promise<boolean> {
  const session = await reopen().catch(() => undefined);
  try {
    const answer = await session?.query(`SELECT pg_catalog.pg_xact_status('${transaction}'::pg_catalog.xid8)`);
    return answer?.rows[0]?.[0] === 'committed';
  } catch {
    return false;
  } finally {
    await session?.close();
  }
}
