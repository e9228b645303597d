/** PostgreSQL is the judge of the raw lane: what it makes of the bytes that pass as they are must be what the parser makes of them. */
import fc from 'fast-check';
import { Client } from 'pg';
import { from as copyFrom } from 'pg-copy-streams';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { CsvEncoding } from '../../../src/rows/row-encoding.ts';
import { memorySource } from '../../helpers/memory-source.ts';
import { createDatabase } from '../../helpers/postgres-server.ts';
import { rowsOf, runCsv, type CsvRun, type Row } from './csv-rows.ts';

let client: Client;

beforeAll(async () => {
  client = new Client({ connectionString: await createDatabase() });
  await client.connect();
  await client.query('CREATE TABLE two (n serial, a text, b text); CREATE TABLE one (n serial, a text)');
});

afterAll(() => client.end());

const literal = (text: string): string => `E'${Array.from(text, (character) => `\\x${character.charCodeAt(0).toString(16)}`).join('')}'`;

async function copied(table: 'one' | 'two', parts: readonly { text: string; encoding: CsvEncoding }[]): Promise<Row[]> {
  const columns = table === 'one' ? 'a' : 'a, b';
  await client.query(`TRUNCATE ${table} RESTART IDENTITY`);
  for (const { text, encoding } of parts) {
    const { delimiter, quote, escape, nullText } = encoding;
    const options = `FORMAT csv, DELIMITER ${literal(delimiter)}, QUOTE ${literal(quote)}, ESCAPE ${literal(escape)}, NULL ${literal(nullText)}, ENCODING 'UTF8'`;
    const stream = client.query(copyFrom(`COPY ${table} (${columns}) FROM STDIN (${options})`));
    await new Promise<void>((resolve, reject) => {
      stream.once('error', reject);
      stream.once('finish', resolve);
      stream.end(Buffer.from(text));
    });
  }
  const { rows } = await client.query<(string | null)[]>({ text: `SELECT ${columns} FROM ${table} ORDER BY n`, rowMode: 'array' });
  return rows;
}

const pieces = ['a', 'b', '.', ',', ',', '"', '""', '"x"', '\\', '\\.', ' ', 'é', '\n', '\n', '\r\n', '\r', '",', ',"', '"\n', '\n"', 'x,y\n', '"p\nq",r\n', '\\"'];
const DIALECTS: readonly { readonly table: 'one' | 'two'; readonly csv: NonNullable<NonNullable<CsvRun['options']>['csv']> }[] = [
  { table: 'two', csv: { delimiter: ',', quote: '"', escape: '"' } },
  { table: 'two', csv: { delimiter: ',', quote: '"', escape: '\\' } },
  { table: 'two', csv: { delimiter: ',', quote: '' } },
  { table: 'two', csv: { delimiter: ',', quote: '"', nullText: 'x' } },
  { table: 'one', csv: { delimiter: '', quote: '"' } },
  { table: 'one', csv: { delimiter: '', quote: '' } },
];

test.each(DIALECTS)('PostgreSQL reads the parts as the parser does: $csv', async ({ table, csv }) => {
  let compared = 0;
  const record = fc.array(fc.constantFrom(...pieces), { maxLength: 5 }).map((parts) => parts.join(''));
  const text = fc.array(fc.oneof(record, fc.constantFrom('1,2', '"1","2"', '1,"a\nb"', ',', '"",')), { minLength: 1, maxLength: 8 }).map((lines) => `c,d\n${lines.join('\n')}`);
  await fc.assert(fc.asyncProperty(text, fc.integer({ min: 1, max: 40 }), async (content, partBytes) => {
    const options = { csv: { ...csv, header: true }, charset: 'utf-8' };
    const expected = await rowsOf(memorySource(content), { options }).catch(() => undefined);
    if (expected === undefined || expected.names.length !== (table === 'one' ? 1 : 2)) return;
    const raw = await runCsv(memorySource(content), { options, partBytes, encoding: (offered) => offered.find((encoding) => encoding.kind === 'csv')! });
    compared++;
    expect(await copied(table, raw.parts.map((part) => ({ text: part.text, encoding: part.part.encoding as CsvEncoding })))).toEqual(expected.rows);
    expect(raw.read).toBe(expected.rows.length);
  }), { numRuns: 150 });
  // Most texts are refused by the parser; enough must be left for this to mean something.
  expect(compared).toBeGreaterThan(15);
});
