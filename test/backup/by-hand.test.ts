import { execFileSync } from 'node:child_process';
import { copyFileSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, inject, it } from 'vitest';
import { BackupWriter } from '../../src/backup/repository/backup-writer.ts';
import { chunkObject } from '../../src/backup/repository/object-names.ts';
import { hasPrograms } from '../helpers/programs.ts';
import { temporaryFolder } from '../io/support.ts';
import { binaryStream, realArray } from './copy-streams.ts';
import { FACTS, lines, openOrCreate } from './support.ts';

const PAGE = readFileSync(join(import.meta.dirname, '../../docs/backup-format.md'), 'utf8');
const blocks = (language: string): string[] => [...PAGE.slice(PAGE.indexOf('## Recovery by hand')).matchAll(/```(\w+)\n([\s\S]*?)```/g)].filter(([, name]) => name === language).map(([, , text]) => text);

it('the page about the format recovers tables without Sluice, with and without a filter', async ({ skip }) => {
  skip(!hasPrograms('zstd', 'psql'), 'zstd or psql is not installed');
  const root = join(await temporaryFolder(), 'repository');
  const repository = await openOrCreate(root);
  const writer = await BackupWriter.begin(repository);
  const text = writer.content(), floats = writer.content({ filter: { kind: 'float-planes', arrays: [1], vectors: [] } });
  const stored = async (bytes: string) => {
    await text.write(Buffer.from(bytes));
    return text.end();
  };
  const schema = {
    writer: 'pg_dump 16.4', archive: null, preData: await stored('CREATE TABLE public.cities (id int, name text); CREATE TABLE public.vectors (id int, v real[]);\n'),
    postData: await stored('CREATE UNIQUE INDEX cities_id ON public.cities (id);\n'),
  };
  const cities = writer.table({ schema: 'public', name: 'cities', columns: [{ name: 'id', type: 'integer' }, { name: 'name', type: 'text' }], encoding: 'copy-text' });
  for (const [index, part] of [lines('1\tRome', '2\tOslo'), lines('3\tSão Paulo\\n')].entries()) {
    const { bytes, chunks } = await stored(part);
    await cities.add({ pages: [index, index + 1], rows: 2 - index, bytes, rowHash: null, chunks });
  }
  await cities.end();
  const values = (row: number): number[] => Array.from({ length: 64 }, (_, i) => Math.fround(Math.sin(row * 64 + i)));
  const stream = binaryStream([1, 2, 3].map((row) => [Buffer.from([0, 0, 0, row]), realArray(values(row))]));
  await floats.write(stream);
  const { chunks: [chunk] } = await floats.end();
  await writer.commit({ ...FACTS, schema });

  const database = `by_hand_${process.pid}`;
  const admin = inject('postgresUrl'), target = new URL(admin);
  target.pathname = `/${database}`;
  const psql = (url: string, sql: string): string => execFileSync('psql', ['-X', '-At', '-v', 'ON_ERROR_STOP=1', '-d', url, '-c', sql], { encoding: 'utf8' }).trim();
  const shell = (script: string): string => execFileSync('bash', ['-eu', '-c', script], { cwd: root, env: { ...process.env, TARGET: target.href }, encoding: 'utf8' });
  psql(admin, `CREATE DATABASE ${database}`);
  try {
    const [first, tables, unfilter] = blocks('sh');
    shell(first + tables);
    expect(psql(target.href, 'SELECT * FROM cities ORDER BY id')).toBe('1|Rome\n2|Oslo\n3|São Paulo');
    expect(psql(target.href, "SELECT count(*) FROM pg_indexes WHERE indexname = 'cities_id'")).toBe('1');

    copyFileSync(join(root, chunkObject(chunk)), join(root, 'FILE'));
    writeFileSync(join(root, 'unfilter.sql'), blocks('sql')[0]);
    expect(shell('od -An -tu1 -j13 -N1 FILE').trim()).toBe('1');
    shell(unfilter);
    expect(readFileSync(join(root, 'stream')).equals(stream)).toBe(true);
    expect(shell('sha256sum stream')).toContain(chunk);
    shell('psql -X -q -v ON_ERROR_STOP=1 -d "$TARGET" -c "COPY vectors FROM STDIN WITH (FORMAT binary)" < stream');
    expect(psql(target.href, 'SELECT count(*), sum(array_length(v, 1)), count(*) FILTER (WHERE v[1] = sin(id * 64)::real) FROM vectors')).toBe('3|192|3');
    expect(psql(target.href, 'SELECT count(*) FROM pg_largeobject_metadata')).toBe('0');
  } finally {
    psql(admin, `DROP DATABASE ${database} WITH (FORCE)`);
  }
});
