/** What the reader says of real archives, against pg_restore's word and the database's content. */
import { execFile } from 'node:child_process';
import { cp, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { gunzipSync, gzipSync, zstdCompressSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { DumpArchive, DumpEntry } from '../../../src/backup/pg-dump/dump-archive.ts';
import { isDumpArchive, openDumpArchive } from '../../../src/backup/pg-dump/open-dump-archive.ts';
import { SluiceError } from '../../../src/errors/sluice-error.ts';
import { startPostgres, type PostgresServer } from '../../helpers/postgres-server.ts';
import { bytesOf, dataOf, entryOf, everythingOf, NEVER, sampleDatabase, type Dumps } from './support.ts';

let server: PostgresServer, dumps: Dumps, folder: string;
const opened: DumpArchive[] = [];

/** By the name of its file or folder. */
const LAYOUTS: Readonly<Record<string, readonly string[]>> = {
  'default.dump': ['-Fc'],
  'uncompressed.dump': ['-Fc', '-Z0'],
  'best.dump': ['-Fc', '-Z9'],
  'piped.dump': ['-Fc'],
  'piped-uncompressed.dump': ['-Fc', '-Z0'],
  'folder': ['-Fd'],
  'folder-parallel': ['-Fd', '-j2'],
  'folder-uncompressed': ['-Fd', '-Z0'],
};

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sluice-dumps-'));
  server = await startPostgres({ version: 'debian' });
  dumps = await sampleDatabase(server);
  for (const [name, options] of Object.entries(LAYOUTS)) await dumps.dump((name.startsWith('piped') ? '| ' : '') + join(folder, name), ...options);
});

afterAll(async () => {
  for (const archive of opened) await archive.close();
  await server.stop();
  await rm(folder, { recursive: true });
});

async function openSample(name: string): Promise<DumpArchive> {
  const archive = await openDumpArchive(join(folder, name));
  opened.push(archive);
  return archive;
}

/** A line of `pg_restore -l`. */
function listed(entry: DumpEntry): string {
  const oneLine = (name: string): string => name.replaceAll(/[\r\n]/g, ' ');
  return `${entry.dumpId}; ${entry.catalogOid} ${entry.oid} ${entry.description} ${oneLine(entry.namespace) || '-'} ${oneLine(entry.tag)} ${oneLine(entry.owner)}`;
}

const inUtf8 = (latin1: string): string => Buffer.from(latin1, 'latin1').toString('utf8');

describe.each(Object.keys(LAYOUTS))('%s', (name) => {
  it('has the entries that pg_restore lists, in the same order', async () => {
    const archive = await openSample(name);
    const settings = new Set(['ENCODING', 'STDSTRINGS', 'SEARCHPATH', 'DATABASE']);
    const lines = inUtf8(await dumps.restore('-l', join(folder, name))).split('\n').filter((line) => /^\d/.test(line));
    expect(archive.entries.filter(({ description }) => !settings.has(description)).map(listed)).toEqual(lines);
    expect(lines.length).toBeGreaterThan(30);
  });

  it('has the SQL and the rows that pg_restore writes', async () => {
    const archive = await openSample(name);
    const script = await dumps.restore('-f', '-', join(folder, name));
    let tables = 0;
    for (const entry of archive.entries.filter(({ description }) => !['SEARCHPATH', 'STDSTRINGS', 'DATABASE'].includes(description))) {
      const { definition, copyStatement } = await archive.statements(entry);
      expect(script).toContain(Buffer.from(definition).toString('latin1'));
      if (entry.description !== 'TABLE DATA') continue;
      const rows = await dataOf(archive, entry);
      expect(script).toContain(`${Buffer.from(copyStatement).toString('latin1')}${rows.toString('latin1')}\\.\n`);
      tables++;
    }
    expect(tables).toBe(script.match(/^COPY /gm)?.length);
  });

  it('says what it is', async () => {
    const archive = await openSample(name);
    expect(archive).toMatchObject({ formatVersion: '1.14', database: 'sample', encoding: 'UTF8', compression: name.includes('uncompressed') ? 'none' : 'gzip' });
    expect(archive.layout).toBe(name.startsWith('folder') ? 'directory' : 'custom');
    expect(archive.serverVersion).toMatch(/^15\./);
    expect(archive.dumpVersion).toMatch(/^15\./);
    expect(archive.createdAt.replace(' ', 'T')).toBe(new Date(`${archive.createdAt}Z`).toISOString().slice(0, 19));
    expect(Math.abs(Date.now() - Date.parse(`${archive.createdAt}Z`))).toBeLessThan(600_000);
  });

  it('gives the large objects', async () => {
    const archive = await openSample(name);
    const found = new Map<number, Buffer>();
    for await (const { oid, bytes } of archive.largeObjects(entryOf(archive, 'BLOBS', 'BLOBS'), NEVER)) found.set(oid, await bytesOf(bytes));
    expect([...found.keys()]).toEqual([100001, 100002, 100003, 4_000_000_000]);
    expect(found.get(100001)?.toString()).toBe('first');
    expect(found.get(100002)).toHaveLength(0);
    expect(found.get(100003)?.equals(Buffer.from('00ff10'.repeat(40_000), 'hex'))).toBe(true);
    expect(found.get(4_000_000_000)?.toString()).toBe('above 2^31');
  });

  it('passes over large objects that are not read, or not to their end', async () => {
    const archive = await openSample(name);
    const last: string[] = [];
    for await (const { oid, bytes } of archive.largeObjects(entryOf(archive, 'BLOBS', 'BLOBS'), NEVER)) {
      if (oid === 100001) continue;
      for await (const piece of bytes) {
        last.push(`${oid} ${piece.subarray(0, 5).toString('latin1')}`);
        break;
      }
    }
    expect(last).toEqual(['100003 \0\u00ff\u0010\0\u00ff', '4000000000 above']);
  });

  it('gives everything at the same time, in any order', async () => {
    const archive = await openSample(name);
    const one = await everythingOf(archive);
    const contents = await Promise.all(archive.entries.toReversed().map((entry) => dataOf(archive, entry)));
    expect(one).toEqual(expect.arrayContaining(contents.map((content) => content.toString('latin1'))));
  });

  it('ends when it is cancelled', async () => {
    const archive = await openSample(name);
    const cancelled = AbortSignal.abort(new SluiceError('CANCELLED'));
    await expect(bytesOf(archive.data(entryOf(archive, 'TABLE DATA', 'child'), cancelled))).rejects.toMatchObject({ code: 'CANCELLED' });
    const during = new AbortController();
    const pieces = archive.data(entryOf(archive, 'TABLE DATA', 'child'), during.signal);
    await pieces.next();
    during.abort();
    await expect(bytesOf(pieces)).rejects.toMatchObject({ code: 'CANCELLED' });
    expect(await dataOf(archive, entryOf(archive, 'TABLE DATA', 'parent'))).not.toHaveLength(0);
  });
});

describe('archives of one database', () => {
  it('have the same content in every layout', async () => {
    const first = await everythingOf(await openSample('default.dump'));
    for (const name of Object.keys(LAYOUTS)) expect(await everythingOf(await openSample(name))).toEqual(first);
  });

  it('know how many bytes of a table are stored, unless they were written to a pipe', async () => {
    const bytesIn = async (name: string): Promise<number | undefined> => entryOf(await openSample(name), 'TABLE DATA', 'child').storedBytes;
    expect(await bytesIn('default.dump')).toBeGreaterThan(100_000);
    expect(await bytesIn('piped.dump')).toBeUndefined();
    const archive = await openSample('folder');
    const { length } = await readFile(join(folder, 'folder', `${entryOf(archive, 'TABLE DATA', 'child').dumpId}.dat.gz`));
    expect(await bytesIn('folder')).toBe(length);
  });

  it('have no rows with --schema-only', async () => {
    await dumps.dump(join(folder, 'schema.dump'), '-Fc', '-s');
    const archive = await openSample('schema.dump');
    expect(archive.entries.filter(({ hasData }) => hasData)).toEqual([]);
    expect(archive.entries.length).toBeGreaterThan(25);
    expect(await dataOf(archive, entryOf(archive, 'TABLE', 'child'))).toHaveLength(0);
  });

  it('have SQL in place of rows with --inserts', async () => {
    await dumps.dump(join(folder, 'inserts.dump'), '-Fc', '--inserts', '-t', 'events_2025');
    const archive = await openSample('inserts.dump'), entry = entryOf(archive, 'TABLE DATA', 'events_2025');
    expect((await archive.statements(entry)).copyStatement).toBe('');
    expect((await dataOf(archive, entry)).toString()).toMatch(/^INSERT INTO public\.events_2025 VALUES \('2025-12-02', 'event 1'\);\n/);
  });

  it('decode names of other encodings, and leave rows as they are', async () => {
    await dumps.dump(join(folder, 'latin1.dump'), '-Fc', '-E', 'LATIN1');
    const archive = await openSample('latin1.dump'), entry = entryOf(archive, 'TABLE DATA', 'new\nline ü');
    expect(archive.encoding).toBe('LATIN1');
    expect((await archive.statements(entry)).copyStatement).toBe('COPY "odd ""names"."new\nline ü" ("a\nb", "tab\t") FROM stdin;\n');
    expect((await dataOf(archive, entry)).toString('latin1')).toContain('\tü\n');
  });
});

describe('folders that were compressed by hand', () => {
  it('are read by the endings of their files', async () => {
    const copy = join(folder, 'recompressed');
    await cp(join(folder, 'folder'), copy, { recursive: true });
    for (const [index, name] of (await readdir(copy)).filter((file) => file.endsWith('.gz')).entries()) {
      const content = gunzipSync(await readFile(join(copy, name)));
      await rm(join(copy, name));
      if (index % 2 === 0) await writeFile(join(copy, name.replace(/\.gz$/, '.zst')), zstdCompressSync(content));
      else await writeFile(join(copy, name.replace(/\.gz$/, '')), content);
    }
    expect(await everythingOf(await openSample('recompressed'))).toEqual(await everythingOf(await openSample('folder')));
  });
});

describe('isDumpArchive', () => {
  it('knows archives from SQL and from anything else', async () => {
    await dumps.dump(join(folder, 'plain.sql'));
    await dumps.dump(join(folder, 'sample.tar'), '-Ft');
    await writeFile(join(folder, 'cluster.sql'), '--\n-- PostgreSQL database cluster dump\n--\n');
    await writeFile(join(folder, 'empty'), '');
    for (const [name, pack] of [['gz', gzipSync], ['zst', zstdCompressSync]] as const) {
      await writeFile(join(folder, `packed.dump.${name}`), pack(await readFile(join(folder, 'default.dump'))));
      await writeFile(join(folder, `packed.tar.${name}`), pack(await readFile(join(folder, 'sample.tar'))));
      await writeFile(join(folder, `packed.sql.${name}`), pack(await readFile(join(folder, 'plain.sql'))));
    }
    await writeFile(join(folder, 'noise.gz'), Buffer.from([0x1f, 0x8b, 8, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9]));
    const are = async (names: readonly string[]): Promise<boolean[]> => Promise.all(names.map((name) => isDumpArchive(join(folder, name))));
    expect(await are(['default.dump', 'piped.dump', 'folder', 'sample.tar', 'packed.dump.gz', 'packed.dump.zst', 'packed.tar.gz', 'packed.tar.zst'])).toEqual(Array.from({ length: 8 }, () => true));
    expect(await are(['plain.sql', 'cluster.sql', 'empty', '.', 'not there', 'packed.sql.gz', 'packed.sql.zst', 'noise.gz'])).toEqual(Array.from({ length: 8 }, () => false));
  });

  it.each([['sample.tar', /tar -xf/], ['packed.dump.gz', /gunzip/], ['packed.dump.zst', /zstd -d/], ['plain.sql', /psql/], ['cluster.sql', /pg_dump -Fd/], ['empty', /pg_dump -Fc/], ['.', /toc\.dat/]])('what cannot be read says what to do: %s', async (name, remedy) => {
    const error: unknown = await openDumpArchive(join(folder, name)).catch((reason: unknown) => reason);
    expect(error).toMatchObject({ code: 'ARCHIVE_UNSUPPORTED', hint: expect.stringMatching(remedy) as string });
  });

  it('a tar archive that is unpacked is a folder', async () => {
    await promisify(execFile)('sh', ['-c', 'mkdir unpacked && tar -xf sample.tar -C unpacked'], { cwd: folder });
    expect(await everythingOf(await openSample('unpacked'))).toEqual(await everythingOf(await openSample('folder')));
  });

  it('what is not there is not found', async () => {
    await expect(openDumpArchive(join(folder, 'not there'))).rejects.toMatchObject({ code: 'SOURCE_NOT_FOUND' });
  });
});
