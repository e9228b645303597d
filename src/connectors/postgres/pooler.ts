/**
 * Poolers that give a client another server for each transaction (pgbouncer with pool_mode = transaction). What a run sets for its session would be lost there, or worse, stay with a server that somebody else gets
 * next: `row_security = off` would break their queries. So they are refused before anything is set. Poolers that keep a server for a client as long as it is connected are as good as the server.
 */
import type { Client } from 'pg';
import { SluiceError } from '../../errors/sluice-error.ts';
import type { Session } from './driver.ts';

const PROCESS = 'SELECT pg_catalog.pg_backend_pid()';

/**
 * A second client in a transaction gets the server that the first had a moment ago, or else the first gets another the next time.
 * @param process that has answered the first
 * @throws SluiceError POOLER_DETECTED
 */
export async function refuseSharedServers(session: Session, process: string, openOther: () => Promise<Client>): Promise<void> {
  const other = await openOther();
  try {
    await other.query('BEGIN');
    const theirs = (await other.query<[string]>({ text: PROCESS, rowMode: 'array' })).rows[0][0];
    if (theirs !== process && (await session.query(PROCESS)).rows[0][0] === process) return;
    throw new SluiceError('POOLER_DETECTED', { connection: session.target.name, reason: `two clients get one server process (${process}), transaction by transaction` });
  } finally {
    await other.end().catch(() => undefined);
  }
}
