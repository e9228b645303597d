/** What archives of both kinds have in common: their table of contents, the SQL of entries, and the end of rows. */
import { throwIfCancelled } from '../../io/cancellation.ts';
import { damagedArchive, unsupportedArchive } from './archive-errors.ts';
import type { ArchiveFile, ArchivePieces } from './archive-file.ts';
import type { ArchiveHeader } from './archive-header.ts';
import { ArchiveText } from './archive-text.ts';
import type { DumpArchive, DumpCompression, DumpEntry, DumpLargeObject, DumpStatements } from './dump-archive.ts';
import { withoutEndMarker } from './end-marker.ts';
import { largeObjectsOfGroup, privilegesOfGroup } from './large-object-groups.ts';
import { StatementReader } from './statement-reader.ts';
import type { TableOfContents, TocEntry } from './table-of-contents.ts';

/** Groups have a thousand large objects, and commands a line for each role. */
const MAX_EXPANDED_CHARACTERS = 64 * 1024 * 1024;

export abstract class OpenedArchive implements DumpArchive {
  abstract readonly source: string;
  abstract readonly layout: 'custom' | 'directory';
  readonly formatVersion: string;
  readonly serverVersion: string;
  readonly dumpVersion: string;
  readonly database: string;
  readonly createdAt: string;
  readonly compression: DumpCompression;
  readonly encoding: string;
  readonly entries: readonly TocEntry[];
  protected readonly header: ArchiveHeader;
  protected readonly toc: ArchiveFile;
  readonly #text: ArchiveText;
  readonly #statements: StatementReader;
  readonly #byId: ReadonlyMap<number, TocEntry>;

  constructor(toc: ArchiveFile, header: ArchiveHeader, contents: TableOfContents) {
    this.toc = toc;
    this.header = header;
    this.formatVersion = `1.${header.minor}`;
    this.serverVersion = header.serverVersion;
    this.dumpVersion = header.dumpVersion;
    this.database = header.database;
    this.createdAt = header.createdAt;
    this.compression = header.compression;
    this.encoding = contents.encoding;
    this.entries = contents.entries;
    this.#text = new ArchiveText(contents.encoding, toc.name);
    this.#statements = new StatementReader(toc, header.integerBytes);
    this.#byId = new Map(contents.entries.map((entry) => [entry.dumpId, entry]));
  }

  async statements(entry: DumpEntry): Promise<DumpStatements> {
    const own = this.entry(entry);
    const statements = await this.#statements.read(own.text, this.#text);
    if (own.description !== 'ACL' || !own.tag.startsWith('LARGE OBJECTS ')) return statements;
    return { ...statements, definition: await this.#privilegesOfGroup(own, statements.definition) };
  }

  async *data(entry: DumpEntry, signal: AbortSignal): ArchivePieces {
    throwIfCancelled(signal);
    const own = this.entry(entry);
    if (!own.hasData || own.description === 'BLOBS') return;
    const { copyStatement } = await this.statements(own);
    const content = this.content(own, signal);
    if (copyStatement === '') yield* content;
    else yield* withoutEndMarker(content, () => damagedArchive(this.source, `the rows of ${labelOf(own)} do not end as they should`));
  }

  async *largeObjects(entry: DumpEntry, signal: AbortSignal): AsyncGenerator<DumpLargeObject, void, undefined> {
    throwIfCancelled(signal);
    const own = this.entry(entry);
    if (own.hasData && own.description === 'BLOBS') yield* this.largeObjectsOf(own, signal);
  }

  close(): Promise<void> {
    return this.toc.close();
  }

  /** As it was dumped. */
  protected abstract content(entry: TocEntry, signal: AbortSignal): ArchivePieces;
  protected abstract largeObjectsOf(entry: TocEntry, signal: AbortSignal): AsyncGenerator<DumpLargeObject, void, undefined>;

  async #privilegesOfGroup(entry: TocEntry, commands: string): Promise<string> {
    const group = entry.dependencies.map((id) => this.#byId.get(id)).find((candidate) => candidate?.description === 'BLOB METADATA');
    const oids = group === undefined ? [] : largeObjectsOfGroup((await this.statements(group)).definition);
    if (commands.length * oids.length > MAX_EXPANDED_CHARACTERS) throw unsupportedArchive(this.source, `the privileges of ${entry.tag} are too many`, 'Restore it with pg_restore.');
    const all = privilegesOfGroup(commands, oids);
    if (all === undefined || oids.length === 0) throw damagedArchive(this.source, `the privileges of ${entry.tag} are not as pg_dump writes them`);
    return all;
  }

  /** Callers may give a copy. */
  protected entry(entry: DumpEntry): TocEntry {
    const own = this.#byId.get(entry.dumpId);
    if (own === undefined) throw new RangeError(`Entry ${entry.dumpId} is of another archive`);
    return own;
  }
}

/** For messages. */
export function labelOf(entry: DumpEntry): string {
  const name = entry.namespace === '' ? entry.tag : `${entry.namespace}.${entry.tag}`;
  return `${entry.description} ${name}`;
}
