/** Archives of a pg_dump that is newer than the one at hand (test/fixtures/pg-dump/README.md says how they were made). */
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { settingsOf } from '../../../src/backup/pg-dump/archive-settings.ts';
import type { DumpArchive } from '../../../src/backup/pg-dump/dump-archive.ts';
import { privilegesOfGroup } from '../../../src/backup/pg-dump/large-object-groups.ts';
import { openDumpArchive } from '../../../src/backup/pg-dump/open-dump-archive.ts';
import { bytesOf, dataOf, entryOf, NEVER } from './support.ts';

const openFixture = (name: string): Promise<DumpArchive> => openDumpArchive(join(import.meta.dirname, '../../fixtures/pg-dump', `18-${name}.dump`));

describe.each(['gzip', 'uncompressed', 'statistics'])('an archive of pg_dump 18: %s', (name) => {
  it('has tables, their kinds and their rows', async () => {
    const archive = await openFixture(name);
    expect(archive).toMatchObject({ formatVersion: '1.16', serverVersion: '18.3', dumpVersion: '18.3', encoding: 'UTF8', compression: name === 'uncompressed' ? 'none' : 'gzip' });
    expect(archive.entries.filter(({ relkind }) => relkind !== null).map(({ tag, relkind }) => `${tag} ${relkind}`)).toEqual(['cities r', 'events p', 'events_2026 r', 'names m', 'odd "name\nx r']);
    expect((await dataOf(archive, entryOf(archive, 'TABLE DATA', 'cities'))).toString()).toBe('1\tZürich\thappy\n2\tGenève\t\\N\n3\t\\\\.\tsad\n');
    expect((await dataOf(archive, entryOf(archive, 'TABLE DATA', 'events_2026'))).toString().split('\n')).toHaveLength(201);
    expect(await dataOf(archive, entryOf(archive, 'TABLE DATA', 'odd "name\nx'))).toHaveLength(0);
    await archive.close();
  });

  it('has large objects in groups, with privileges for each', async () => {
    const archive = await openFixture(name), groups: string[][] = [];
    for (const entry of archive.entries.filter(({ description }) => description === 'BLOBS')) {
      const group: string[] = [];
      for await (const { oid, bytes } of archive.largeObjects(entry, NEVER)) group.push(`${oid}: ${(await bytesOf(bytes)).toString('hex').slice(0, 12)}`);
      groups.push(group);
    }
    expect(groups).toEqual([['5001: 6f6e65', '5002: 74776f'], ['5003: ', '5004: 00ff1000ff10']]);
    expect((await archive.statements(entryOf(archive, 'BLOB METADATA', '5001..5002'))).definition).toBe('5001\n5002\n');
    const { definition } = await archive.statements(entryOf(archive, 'ACL', 'LARGE OBJECTS 5001..5002'));
    expect(definition.split('\n')).toEqual([
      'GRANT SELECT ON LARGE OBJECT 5001 TO reader;', 'GRANT SELECT ON LARGE OBJECT 5002 TO reader;',
      'GRANT ALL ON LARGE OBJECT 5001 TO "odd ""LARGE OBJECT 7; role" WITH GRANT OPTION;', 'GRANT ALL ON LARGE OBJECT 5002 TO "odd ""LARGE OBJECT 7; role" WITH GRANT OPTION;', '',
    ]);
    await archive.close();
  });

  it('has settings for the session', async () => {
    const archive = await openFixture(name);
    expect(await settingsOf(archive)).toEqual({ encoding: 'UTF8', standardConformingStrings: true, searchPath: "SELECT pg_catalog.set_config('search_path', '', false);" });
    await archive.close();
  });
});

it('statistics are definitions', async () => {
  const archive = await openFixture('statistics');
  const sections = archive.entries.filter(({ description }) => description === 'STATISTICS DATA').map(({ tag, section }) => `${tag} ${section}`);
  expect(sections).toEqual(['cities data', 'events data', 'events_2026 data', 'odd "name\nx data', 'cities_name post-data', 'cities_pkey post-data', 'names post-data']);
  expect((await archive.statements(entryOf(archive, 'STATISTICS DATA', 'cities'))).definition).toContain('pg_catalog.pg_restore_relation_stats(');
  await archive.close();
});

describe('privileges of a group', () => {
  it.each([
    ['GRANT ALL ON LARGE OBJECT 7 TO "a""b;LARGE OBJECT 7";\n', 'GRANT ALL ON LARGE OBJECT 1 TO "a""b;LARGE OBJECT 7";\nGRANT ALL ON LARGE OBJECT 2 TO "a""b;LARGE OBJECT 7";\n'],
    ['', ''],
    ['GRANT ALL ON LARGE OBJECT 7 TO a', undefined],
    ['GRANT ALL TO a;\n', undefined],
    ['GRANT ALL ON LARGE OBJECT 7, LARGE OBJECT 8 TO a;\n', undefined],
  ])('%j', (commands, expected) => {
    expect(privilegesOfGroup(commands, ['1', '2'])).toBe(expected);
  });
});
