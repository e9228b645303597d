/** What a receipt says was rejected is what the quarantine holds. The fault: files of the quarantine go while the run is under way. */
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { importFile, type ImportFileOptions } from '../../src/index.ts';
import { assertHeld, type TableReceipt } from '../../src/pipeline/receipt.ts';
import { createDatabase } from '../helpers/postgres-server.ts';

let root: string;
let client: pg.Client;
let options: ImportFileOptions;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'sluice-balance-'));
  const to = await createDatabase();
  client = new pg.Client({ connectionString: to });
  await client.connect();
  await client.query('CREATE TABLE items (id int PRIMARY KEY, amount int NOT NULL)');
  const lines = Array.from({ length: 4000 }, (_, i) => (i % 500 === 7 ? `${i},many` : `${i},${i}`));
  await writeFile(join(root, 'items.csv'), `id,amount\n${lines.join('\n')}\n`);
  options = { source: join(root, 'items.csv'), to, table: 'items', onError: 'quarantine', partBytes: 8192, jobs: 2, workspace: join(root, 'workspace') };
});
afterEach(async () => {
  await client.end();
  await rm(root, { recursive: true, force: true });
});

const segments = (run: string): string => join(root, 'workspace/quarantine', run, 'segments');

async function loseSegment(run: string): Promise<void> {
  const [first] = await readdir(segments(run));
  await rm(join(segments(run), first));
}

const count = async (): Promise<number> => (await client.query<{ n: number }>('SELECT count(*)::int AS n FROM items')).rows[0].n;

describe('the rejected rows of a receipt', () => {
  it('are those of the quarantine', async () => {
    const receipt = await importFile(options).receipt;
    expect(receipt.totals).toMatchObject({ read: 4000, written: 3992, rejected: 8 });
  });

  it('that are not in the quarantine any more: nothing is published', async () => {
    const run = importFile(options);
    for await (const event of run.events) if (event.type === 'phase' && event.phase === 'publishing') await loseSegment(run.id);
    await expect(run.receipt).rejects.toMatchObject({ code: 'RECEIPT_UNBALANCED', exitCode: 4, at: { table: 'items' }, message: expect.stringMatching(/rejected 8 \(and \d in the quarantine\)/) });
    expect(await count()).toBe(0);
    expect((await client.query(`SELECT relname FROM pg_class WHERE relname LIKE 'sluice%'`)).rows).toEqual([]);
  });

  it('that get lost between the publication and the end of the run: the run fails', async () => {
    await client.query(`CREATE FUNCTION wait() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN IF NEW.id = 1 THEN PERFORM pg_sleep(1); END IF; RETURN NEW; END $$;
      CREATE CONSTRAINT TRIGGER late AFTER INSERT ON items DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION wait()`);
    const run = importFile(options);
    const failed = run.receipt.catch((error: unknown) => error);
    const isCommitting = async (): Promise<boolean> => (await client.query(`SELECT FROM pg_stat_activity WHERE query = 'COMMIT' AND wait_event = 'PgSleep' AND datname = current_database()`)).rowCount === 1;
    while (!(await isCommitting())) await sleep(10);
    await loseSegment(run.id);
    expect(await failed).toMatchObject({ code: 'RECEIPT_UNBALANCED', at: { table: 'items' } });
    expect(await count()).toBe(3992);
  });

  it('are compared table by table', () => {
    const receipt = (name: string, rejected: number): TableReceipt => ({ name, read: 5, written: 5 - rejected, rejected, duplicate: 0, skipped: 0, bytes: 1 });
    expect(() => assertHeld([receipt('a', 1), receipt('b', 0)], new Map([['a', 1]]))).not.toThrow();
    expect(() => assertHeld([receipt('a', 1), receipt('b', 1)], new Map([['a', 2]]))).toThrow(/The receipt of a does not balance.*rejected 1 \(and 2 in the quarantine\)/);
    expect(() => assertHeld([receipt('a', 1)], new Map([['a', 1], ['c', 1]]))).toThrow(/The receipt of c .*rejected 0 \(and 1 in the quarantine\)/);
  });
});
