/** Where the bytes of an archive come from: a file that others may write to, or content of a repository. */
import { appendFile, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { CustomArchive } from '../../../src/backup/pg-dump/custom-archive.ts';
import { isDumpArchive, openDumpArchive, openDumpArchiveContent } from '../../../src/backup/pg-dump/open-dump-archive.ts';
import { CHUNK_BYTES, ContentWriter } from '../../../src/backup/repository/content.ts';
import { temporaryFolder } from '../../io/support.ts';
import { openOrCreate } from '../support.ts';
import { contentEntry, SMALL } from './small-archive.ts';
import { dataOf, entryOf, everythingOf } from './support.ts';
import { MemoryFile, USUAL_FORM, writeCustom } from './write-archive.ts';

it('content of a repository is an archive, wherever its chunks end', async () => {
  const tables = Array.from({ length: 500 }, (_, index) => contentEntry(100 + index, 'TABLE', `t${index}`, { sql: `-- ${'x'.repeat(9_000 + index)}\n`, namespace: 'public' }));
  const whole = writeCustom([...SMALL, ...tables], USUAL_FORM);
  expect(whole.length).toBeGreaterThan(2 * CHUNK_BYTES);
  const repository = await openOrCreate(await temporaryFolder()), writer = new ContentWriter(repository.chunks);
  await writer.write(whole);
  const content = await writer.end();
  const archive = await openDumpArchiveContent(repository.chunks, content, 'the schema of a backup');
  expect(await everythingOf(archive)).toEqual(await everythingOf(await CustomArchive.open(new MemoryFile(whole))));
  await archive.close();
  await expect(openDumpArchiveContent(repository.chunks, { ...content, chunks: content.chunks.slice(0, 1) }, 'the schema of a backup')).rejects.toMatchObject({ code: 'ARCHIVE_DAMAGED' });
});

it('a file that is changed while it is read is not taken for what it was', async () => {
  const file = join(await temporaryFolder(), 'x.dump');
  await writeFile(file, writeCustom(SMALL, USUAL_FORM));
  const archive = await openDumpArchive(file);
  await appendFile(file, 'x');
  await expect(dataOf(archive, entryOf(archive, 'TABLE DATA', 'cities'))).rejects.toMatchObject({ code: 'SOURCE_CHANGED', at: { file } });
  await archive.close();
});

it('a folder that pg_dumpall has written for a whole cluster says what to do', async () => {
  const folder = await temporaryFolder();
  await mkdir(join(folder, 'databases'));
  await writeFile(join(folder, 'map.dat'), '5 postgres\n');
  expect(await isDumpArchive(folder)).toBe(true);
  await expect(openDumpArchive(folder)).rejects.toMatchObject({ code: 'ARCHIVE_UNSUPPORTED', hint: expect.stringMatching(/pg_dump -Fd/) as string });
});
