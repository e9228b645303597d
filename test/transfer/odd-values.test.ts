/** With a quarantine no import fails for what single records hold: not while the source is inspected, and not for values beyond the types that a sample showed. */
import { readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { importFile, type Receipt } from '../../src/index.ts';
import type { QuarantinedRow } from '../../src/quarantine/quarantined-row.ts';
import { createDatabase } from '../helpers/postgres-server.ts';

let folder: string;
let to: string;
let client: pg.Client;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sluice-odd-'));
  to = await createDatabase();
  client = new pg.Client({ connectionString: to });
  await client.connect();
});
afterAll(async () => {
  await client.end();
  await rm(folder, { recursive: true, force: true });
});

let files = 0;

/** Imports with a quarantine; the rows of the table, and what was put aside. */
async function load(format: string, content: string | Buffer, setup?: string): Promise<{ receipt: Receipt; rejected: (readonly [number | null, string, string | undefined])[]; table: string }> {
  const table = `t${files++}`;
  const source = join(folder, `${table}.${format}`);
  await writeFile(source, typeof content === 'string' ? content.replaceAll('TABLE_NAME', table) : content);
  if (setup !== undefined) await client.query(setup.replaceAll('TABLE_NAME', table));
  const receipt = await importFile({ source, to, table, workspace: join(folder, 'workspace'), onError: 'quarantine' }).receipt;
  expect(receipt).toMatchObject({ status: 'done' });
  const rows = receipt.quarantine === null ? [] : readFileSync(join(receipt.quarantine, 'rows.ndjson'), 'utf8').trim().split('\n').map((line) => JSON.parse(line) as QuarantinedRow);
  return { receipt, rejected: rows.map(({ row, code, column }) => [row, code, column] as const), table };
}

async function rowsOf(table: string, where = 'true'): Promise<unknown[][]> {
  return (await client.query({ text: `SELECT t::text FROM ${table} t WHERE ${where} ORDER BY 1`, rowMode: 'array' })).rows as unknown[][];
}

/** So that few rows make a file that is not looked at to its end. */
const FILL = 'x'.repeat(1000);

/** Rows 1 to `count`, of which `odd` are written by `oddly`. */
function document(count: number, write: (id: string, day: string) => string, separator: string, odd: ReadonlyMap<number, readonly [id: string, day: string]>): string {
  return Array.from({ length: count }, (_, i) => {
    const [id, day] = odd.get(i + 1) ?? [String(i + 1), '2024-01-31'];
    return write(id, day);
  }).join(separator);
}

describe('a value beyond the types that a sample showed', () => {
  const formats = {
    csv: { count: 3_000, at: 285, write: (text: string) => `id,day,more\n${text}\n`, separator: '\n', record: (id: string, day: string) => `${id},${day},${FILL}` },
    json: { count: 4_500, at: 4_400, write: (text: string) => `[${text}]`, separator: ',\n', record: (id: string, day: string) => `{"id":${id},"day":"${day}","more":"${FILL}"}` },
    ndjson: { count: 4_500, at: 4_400, write: (text: string) => `${text}\n`, separator: '\n', record: (id: string, day: string) => `{"id":${id},"day":"${day}","more":"${FILL}"}` },
  } as const;

  it.each(Object.entries(formats))('%s: is its record\'s trouble where the run creates the table', async (format, { count, at, write, separator, record }) => {
    // One that a database would refuse, and one that it would take with loss.
    const odd = new Map([[at, ['1.5', '2024-01-31']], [at + 2, [String(at + 2), '2024-01-31T10:00:00']]] as const);
    const { receipt, rejected, table } = await load(format, write(document(count, record, separator, odd)));
    expect(rejected).toEqual([[at, 'SCHEMA_SURPRISE', 'id'], [at + 2, 'SCHEMA_SURPRISE', 'day']]);
    expect(receipt.totals).toMatchObject({ read: count, written: count - 2, rejected: 2 });
    const { rows } = await client.query<{ types: string; gone: string }>(`SELECT string_agg(DISTINCT pg_typeof(day)::text, '') AS types, count(*) FILTER (WHERE id IN (${at}, ${at + 2})) AS gone FROM ${table}`);
    expect(rows).toEqual([{ types: 'date', gone: '0' }]);
  });

  it.each(Object.entries(formats))('%s: is the target\'s to judge where the table was there', async (format, { count, at, write, separator, record }) => {
    const odd = new Map([[at, ['1e2', '2024-01-31T00:00:00']], [at + 2, ['7', '2024-02-31']]] as const);
    const { rejected, table } = await load(format, write(document(count, record, separator, odd)), 'CREATE TABLE TABLE_NAME (id numeric, day date, more text)');
    expect(rejected).toEqual([[at + 2, 'VALUE_INVALID', 'day']]);
    expect(await rowsOf(table, 'id = 100 AND day = \'2024-01-31\'')).toHaveLength(2);
  });

  it('sql: is refused by the target and put aside', async () => {
    const rows = Array.from({ length: 4_500 }, (_, i) => `(${i === 4_400 ? "'many'" : i}, '${FILL}')`).join(',\n');
    const { receipt, rejected } = await load('sql', `INSERT INTO TABLE_NAME (id, more) VALUES\n${rows};\n`);
    expect(rejected).toEqual([[4_401, 'VALUE_INVALID', 'id']]);
    expect(receipt.totals).toMatchObject({ written: 4_499 });
  });

  it('csv: also in a part that is written anew, whose bytes no database reads alike', async () => {
    const { count, at, record } = formats.csv;
    const lines = document(count, record, '\r', new Map([[at, ['007', '2024-01-31']]])).replace('\r', '\n');
    const { rejected } = await load('csv', `id,day,more\n${lines}\n`);
    expect(rejected).toEqual([[at, 'SCHEMA_SURPRISE', 'id']]);
  });
});

describe('a bad record where the source is inspected', () => {
  it.each([
    ['csv', 'id,name\n1,ä\n2\n3,b,c\n4,d\xff\n5,é\n', [[2, 'CSV_FIELD_COUNT'], [3, 'CSV_FIELD_COUNT'], [4, 'ENCODING_INVALID']], ['(1,ä)', '(5,é)']],
    ['json', '[7,\n{"id":1,"name":"ä"},{"id":2,"name":"\xff"},null,{"id":5,"name":"é"}]', [[1, 'JSON_NOT_RECORDS'], [3, 'ENCODING_INVALID'], [4, 'JSON_NOT_RECORDS']], ['(1,ä)', '(5,é)']],
    ['ndjson', '{"idx":\n{"id":1,"name":"ä"}\n{"id":2,"name":"\xff"}\n[]\n{"id":5,"name":"é"}\n', [[1, 'JSON_MALFORMED'], [3, 'ENCODING_INVALID'], [4, 'JSON_NOT_RECORDS']], ['(1,ä)', '(5,é)']],
    ['sql', "CREATE TABLE TABLE_NAME (id integer, name text);\nINSERT INTO TABLE_NAME VALUES (7), (1, 'ä'), (2, 'b', 3), (5, 'é');\n", [[1, 'SQL_MALFORMED'], [3, 'SQL_MALFORMED']], ['(1,ä)', '(5,é)']],
  ] as const)('%s: is put aside', async (format, text, bad, good) => {
    const table = `t${files}`;
    // All in UTF-8 but the byte 0xff, which stands alone.
    const bytes = Buffer.concat(text.replaceAll('TABLE_NAME', table).split('\xff').flatMap((piece, i) => (i === 0 ? [Buffer.from(piece)] : [Buffer.of(0xff), Buffer.from(piece)])));
    const many = format === 'csv' ? Buffer.concat([bytes, Buffer.from('6,öäü\n'.repeat(20))]) : bytes;
    for (const setup of [undefined, 'CREATE TABLE TABLE_NAME (id integer, name text)']) {
      const content = setup === undefined ? many : Buffer.from(many.toString('latin1').replaceAll(table, `t${files}`), 'latin1');
      const { rejected, table: loaded } = await load(format, content, setup);
      expect(rejected.map(([row, code]) => [row, code])).toEqual(bad);
      expect((await rowsOf(loaded, 'id <> 6')).flat()).toEqual(good);
    }
  });

  it('may be all there is, where the table was there', async () => {
    for (const [format, text] of [['ndjson', '5\nnonsense\n'], ['json', '[1, 2]']] as const) {
      const { receipt } = await load(format, text, 'CREATE TABLE TABLE_NAME (id integer, name text)');
      expect(receipt.totals).toMatchObject({ read: 2, written: 0, rejected: 2 });
    }
  });
});
