import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { BackupWriter, type ManifestFacts } from '../../src/backup/repository/backup-writer.ts';
import type { Manifest } from '../../src/backup/repository/manifest.ts';
import { Repository } from '../../src/backup/repository/repository.ts';
import { RowHasher } from '../../src/backup/repository/row-hash.ts';
import { LocalStorage } from '../../src/backup/storage/local-storage.ts';

/** A table as its parts: each the lines of one COPY stream. */
export type SampleTables = Readonly<Record<string, readonly string[]>>;

export const FACTS: ManifestFacts = {
  writer: 'sluice test',
  source: { kind: 'postgres', address: 'localhost:5432', database: 'shop', serverVersion: 160_004, encoding: 'UTF8' },
  scope: { schema: true, data: true, tables: [], exclude: [] },
  schema: null,
  notes: [],
};

export async function openOrCreate(root: string): Promise<Repository> {
  return Repository.openOrCreate(await LocalStorage.create(root));
}

/** Writes a backup as `sluice backup` does: parts, lists, schema, a sequence, a large object, the manifest. */
export async function writeBackup(repository: Repository, tables: SampleTables): Promise<Manifest> {
  const writer = await BackupWriter.begin(repository);
  try {
    const content = writer.content();
    const stored = async (text: string) => {
      await content.write(Buffer.from(text));
      return content.end();
    };
    const schema = { writer: 'pg_dump 16.4', archive: null, preData: await stored('CREATE TABLE …;\n'), postData: await stored('CREATE INDEX …;\n') };
    for (const [name, parts] of Object.entries(tables)) {
      const table = writer.table({ schema: 'public', name, columns: [{ name: 'line', type: 'text' }], encoding: 'copy-text' });
      for (const [index, text] of parts.entries()) {
        const hasher = new RowHasher('copy-text');
        hasher.update(Buffer.from(text));
        const { bytes, chunks } = await stored(text);
        await table.add({ pages: [index * 10, (index + 1) * 10], rows: hasher.rows, bytes, rowHash: hasher.digest(), chunks });
      }
      await table.end();
    }
    await writer.addSequence({ schema: 'public', name: 'ids', lastValue: '9223372036854775807', isCalled: true });
    await writer.addLargeObject({ oid: 16_400, owner: 'me', acl: null, comment: null, content: await stored('large object') });
    return await writer.commit({ ...FACTS, schema });
  } catch (error) {
    await writer.abort();
    throw error;
  }
}

export const lines = (...texts: string[]): string => texts.map((text) => `${text}\n`).join('');

export function flipBit(root: string, object: string, byte: number, bit = 0): void {
  const path = join(root, object);
  const bytes = readFileSync(path);
  bytes[byte] ^= 1 << bit;
  writeFileSync(path, bytes);
}
