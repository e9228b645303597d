/** An archive of pg_dump as the source of a restore. */
import type { RestoreSequence } from '../../connectors/restore-target.ts';
import { SluiceError } from '../../errors/sluice-error.ts';
import { settingsOf } from '../pg-dump/archive-settings.ts';
import type { DumpArchive, DumpEntry } from '../pg-dump/dump-archive.ts';
import { readCopyStatement, readSetval } from './dump-statements.ts';
import type { RestoreSource, SourceLargeObject, SourceTable } from './restore-source.ts';
import { PartBuffers, rowParts } from './row-parts.ts';

/** @throws SluiceError ARCHIVE_UNSUPPORTED, ARCHIVE_DAMAGED */
export async function openArchiveSource(archive: DumpArchive): Promise<RestoreSource> {
  const { standardConformingStrings } = await settingsOf(archive);
  // Definitions are run in one message with what is entered of them, and one message has one setting.
  if (!standardConformingStrings) throw new SluiceError('ARCHIVE_UNSUPPORTED', { source: archive.source, reason: 'it is of a database with standard_conforming_strings off', remedy: "Dump again with PGOPTIONS='-c standard_conforming_strings=on', or restore with pg_restore." });
  return new ArchiveSource(archive);
}

const NO_ATTRIBUTES = { owner: '', acl: null, comment: null };

class ArchiveSource implements RestoreSource {
  readonly name: string;
  readonly fingerprint: string;
  readonly schema: DumpArchive;
  readonly hasData: boolean;
  readonly notes: readonly string[] = [];
  readonly totals: RestoreSource['totals'];
  readonly hasLargeObjects: boolean;
  /** They stand one behind the other in the archive. */
  readonly largeObjectsAtOnce = false;
  readonly #buffers = new PartBuffers();
  readonly unfilled = undefined;

  /** Before pg_dump 9.0 no entry did. */
  readonly #makesLargeObjects: boolean;

  constructor(archive: DumpArchive) {
    this.schema = archive;
    this.#makesLargeObjects = Number(archive.formatVersion.split('.')[1]) < 12;
    this.name = archive.source;
    this.fingerprint = [archive.createdAt, archive.database, archive.entries.length].join(' ');
    const data = archive.entries.filter(({ description }) => description === 'TABLE DATA');
    this.hasLargeObjects = archive.entries.some(({ description, hasData }) => description === 'BLOBS' && hasData);
    this.hasData = archive.entries.some(({ hasData }) => hasData);
    this.totals = { tables: data.length, bytes: data.reduce((sum, { storedBytes = 0 }) => sum + storedBytes, 0) };
  }

  async *tables(): AsyncGenerator<SourceTable, void, undefined> {
    for (const entry of this.schema.entries) if (entry.description === 'TABLE DATA' && entry.hasData) yield this.#table(entry);
  }

  async *sequences(): AsyncGenerator<RestoreSequence, void, undefined> {
    for (const entry of this.schema.entries) {
      if (entry.description === 'SEQUENCE SET') yield { schema: entry.namespace, name: entry.tag, ...readSetval((await this.schema.statements(entry)).definition, entry.tag) };
    }
  }

  async *largeObjects(signal: AbortSignal): AsyncGenerator<SourceLargeObject, void, undefined> {
    for (const entry of this.schema.entries) {
      if (entry.description !== 'BLOBS') continue;
      for await (const { oid, bytes } of this.schema.largeObjects(entry, signal)) yield { oid, chunks: bytes, ...(this.#makesLargeObjects ? { attributes: NO_ATTRIBUTES } : {}) };
    }
  }

  close(): Promise<void> {
    return this.schema.close();
  }

  async #table(entry: DumpEntry): Promise<SourceTable> {
    const { copyStatement } = await this.schema.statements(entry);
    if (copyStatement === '') throw new SluiceError('ARCHIVE_UNSUPPORTED', { source: this.name, reason: `the rows of ${entry.namespace}.${entry.tag} are INSERT statements`, remedy: 'Dump without --inserts, or restore with pg_restore.' }, { table: `${entry.namespace}.${entry.tag}` });
    const { name: into, columns } = readCopyStatement(copyStatement, entry);
    const shape = { encoding: 'copy-text' as const, columns, charset: this.schema.encoding };
    return { name: { schema: entry.namespace, name: entry.tag }, into, shape, bytes: entry.storedBytes ?? 0, parts: (signal) => rowParts(() => this.schema.data(entry, signal), this.#buffers, signal) };
  }
}
