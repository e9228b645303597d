import { beforeAll, expect, test } from 'vitest';
import { resolveTarget, type ConnectionTarget } from '../../../src/connectors/postgres/connection-target.ts';
import { copyOut } from '../../../src/connectors/postgres/copy-out.ts';
import { Session } from '../../../src/connectors/postgres/driver.ts';
import { Snapshot } from '../../../src/connectors/postgres/snapshot.ts';
import { createDatabase } from '../../helpers/postgres-server.ts';

const { signal } = new AbortController();
let one: ConnectionTarget;
let other: ConnectionTarget;

beforeAll(async () => {
  [one, other] = await Promise.all([createDatabase(), createDatabase()].map(async (url) => resolveTarget(await url, { HOME: '/nonexistent' }, 'sluice test')));
});

async function readOne(snapshot: Snapshot): Promise<string> {
  let text = '';
  const counts = { rows: 0, bytes: 0, arrived: 0 };
  const chunks = snapshot.read(undefined, (session) => copyOut(session, 'COPY (SELECT 42) TO STDOUT', { binary: false, table: 'q', signal }, counts), signal);
  for await (const chunk of chunks) text += Buffer.from(chunk).toString();
  return text;
}

test('is shared by sessions of the same database', async () => {
  const snapshot = await Snapshot.take(() => Session.open(one, signal), 1, [], signal);
  expect(await readOne(snapshot)).toBe('42\n');
  await snapshot.close();
});

test('that a pooler sends elsewhere is refused', async () => {
  const targets = [one, other];
  const snapshot = await Snapshot.take(() => Session.open(targets.shift() ?? other, signal), 1, [], signal);
  await expect(readOne(snapshot)).rejects.toMatchObject({ code: 'POOLER_DETECTED' });
  await snapshot.close();
});

test('needs its coordinator', async () => {
  const snapshot = await Snapshot.take(() => Session.open(one, signal), 1, [], signal);
  await snapshot.coordinator.close();
  await expect(readOne(snapshot)).rejects.toMatchObject({ code: 'CONNECTION_LOST' });
  await snapshot.close();
});
