/**
 * The table of contents: what each entry is stays in memory, where its SQL is as a range of the file. So memory grows with the number of entries only, by some hundred bytes each.
 */
import { damagedArchive, unsupportedArchive } from './archive-errors.ts';
import type { ArchiveFile } from './archive-file.ts';
import type { ArchiveHeader } from './archive-header.ts';
import { ArchiveText } from './archive-text.ts';
import type { ByteCursor } from './byte-cursor.ts';
import type { DumpEntry, DumpSection } from './dump-archive.ts';
import { StatementReader, type TextRange } from './statement-reader.ts';

/** Where the data of an entry are: at a place in a custom archive (undefined where its writer could not go back and say it), or in a file of a directory. */
export type DataPlace = { readonly at: number | undefined } | { readonly file: string };

export interface TocEntry extends DumpEntry {
  readonly text: TextRange;
  readonly place: DataPlace | undefined;
}

export interface TableOfContents {
  readonly entries: readonly TocEntry[];
  readonly encoding: string;
  /** Behind it: where the data of a custom archive begin. */
  readonly end: number;
}

/** How the kind of archive says where data are: what stands at the end of each entry. */
export type ReadPlace = (cursor: ByteCursor) => Promise<DataPlace | undefined>;

/** Names have 63 bytes, and functions up to 100 arguments in their tags. */
const MAX_NAME_BYTES = 256 * 1024;
/** Of memory, by an estimate: some million entries. */
const MAX_KEPT_BYTES = 768 * 1024 * 1024;
const ENTRY_BYTES = 450;

const SECTIONS: Readonly<Record<number, DumpSection>> = { 1: 'none', 2: 'pre-data', 3: 'data', 4: 'post-data' };

/** @throws SluiceError ARCHIVE_DAMAGED, ARCHIVE_UNSUPPORTED, SOURCE_UNREADABLE */
export async function readTableOfContents(cursor: ByteCursor, file: ArchiveFile, header: ArchiveHeader, readPlace: ReadPlace): Promise<TableOfContents> {
  const count = await cursor.integer();
  // The shortest entry has 14 integers, or strings, which begin with one.
  if (count < 1 || count * 14 * (1 + header.integerBytes) > cursor.left) throw cursor.damaged(`${count} entries, for which it is too short`);
  const reader = new EntryReader(cursor, file, header, readPlace);
  const entries: RawEntry[] = [];
  for (let at = 0; at < count; at++) entries.push(await reader.read());
  const encoding = await encodingOf(entries, file, header);
  const text = new ArchiveText(encoding, file.name);
  return { entries: entries.map((entry) => decoded(entry, text)), encoding, end: cursor.position };
}

type Name = string | null;

/** Names are still bytes, one a character: the entry that says the encoding may come later. */
interface RawEntry extends TocEntry {
  readonly namespace: string;
}

class EntryReader {
  readonly #cursor: ByteCursor;
  readonly #file: ArchiveFile;
  readonly #header: ArchiveHeader;
  readonly #readPlace: ReadPlace;
  readonly #ids = new Set<number>();
  /** Schemas, owners and the like are the same again and again. */
  readonly #names = new Map<string, string>();
  #kept = 0;

  constructor(cursor: ByteCursor, file: ArchiveFile, header: ArchiveHeader, readPlace: ReadPlace) {
    this.#cursor = cursor;
    this.#file = file;
    this.#header = header;
    this.#readPlace = readPlace;
  }

  async read(): Promise<RawEntry> {
    const cursor = this.#cursor, { minor } = this.#header;
    const dumpId = await this.#dumpId();
    const hadDumper = (await cursor.integer()) !== 0;
    const catalogOid = await this.#oid(), oid = await this.#oid();
    const tag = (await this.#name('a tag')) ?? '', description = this.#shared((await this.#name('a description')) ?? '');
    const section = minor >= 11 ? this.#section(await cursor.integer()) : oldSection(description);
    const start = cursor.position;
    for (let at = 0; at < 3; at++) await cursor.skipString();
    const text = { start, end: cursor.position };
    const namespace = this.#shared((await this.#name('a schema')) ?? ''), tablespace = this.#sharedOrNull(await this.#name('a tablespace'));
    const accessMethod = minor >= 14 ? this.#sharedOrNull((await this.#name('an access method')) || null) : null;
    const relkind = minor >= 16 ? this.#relkind(await cursor.integer()) : null;
    const owner = this.#shared((await this.#name('an owner')) ?? '');
    await cursor.skipString(); // whether the table has OIDS, as in versions before 12
    const dependencies = await this.#dependencies();
    const place = await this.#readPlace(cursor);
    this.#charge(ENTRY_BYTES + tag.length + 8 * dependencies.length);
    return { dumpId, catalogOid, oid, tag, description, section, namespace, tablespace, accessMethod, relkind, owner, dependencies, hasData: hadDumper && place !== undefined, storedBytes: undefined, text, place };
  }

  async #dumpId(): Promise<number> {
    const id = await this.#cursor.integer();
    if (id <= 0 || this.#ids.has(id)) throw this.#cursor.damaged(id <= 0 ? `an entry has the number ${id}` : `two entries have the number ${id}`);
    this.#ids.add(id);
    return id;
  }

  /** A number as text, for historical reasons. */
  async #oid(): Promise<number> {
    const text = (await this.#cursor.name(MAX_NAME_BYTES, 'an OID')) ?? '';
    if (!/^\d{1,10}$/.test(text)) throw this.#cursor.damaged('an OID is no number');
    return Number(text);
  }

  async #dependencies(): Promise<readonly number[]> {
    const ids: number[] = [];
    for (;;) {
      const text = await this.#cursor.name(MAX_NAME_BYTES, 'a dependency');
      // A copy has no room for more, which would be most of it.
      if (text === null) return ids.length === 0 ? NONE : ids.slice();
      if (!/^\d{1,10}$/.test(text)) throw this.#cursor.damaged('a dependency is no number');
      ids.push(Number(text));
      if (ids.length % 65_536 === 0) this.#charge(8 * 65_536);
    }
  }

  #section(number: number): DumpSection {
    const section = SECTIONS[number];
    if (section === undefined) throw this.#cursor.damaged(`section ${number}`);
    return section;
  }

  #relkind(code: number): string | null {
    if (code < 0 || code > 0x7f) throw this.#cursor.damaged('a kind of relation is no letter');
    return code === 0 ? null : this.#shared(String.fromCodePoint(code));
  }

  #name(what: string): Promise<Name> {
    return this.#cursor.name(MAX_NAME_BYTES, what);
  }

  #sharedOrNull(name: Name): Name {
    return name === null ? null : this.#shared(name);
  }

  #shared(name: string): string {
    const known = this.#names.get(name);
    if (known !== undefined) return known;
    this.#charge(100 + name.length);
    this.#names.set(name, name);
    return name;
  }

  #charge(bytes: number): void {
    this.#kept += bytes;
    if (this.#kept > MAX_KEPT_BYTES) throw unsupportedArchive(this.#file.name, 'its table of contents is larger than the memory that Sluice allows itself', 'Restore it with pg_restore.');
  }
}

const NONE: readonly number[] = [];

/** As pg_restore has it for archives from before there were sections. */
function oldSection(description: string): DumpSection {
  if (description === 'COMMENT' || description === 'ACL' || description === 'ACL LANGUAGE') return 'none';
  if (description === 'TABLE DATA' || description === 'BLOBS' || description === 'BLOB COMMENTS') return 'data';
  const after = ['CONSTRAINT', 'CHECK CONSTRAINT', 'FK CONSTRAINT', 'INDEX', 'RULE', 'TRIGGER'];
  return after.includes(description) ? 'post-data' : 'pre-data';
}

/** `SET client_encoding = 'UTF8';`. Without such an entry pg_restore takes SQL_ASCII. */
async function encodingOf(entries: readonly RawEntry[], file: ArchiveFile, header: ArchiveHeader): Promise<string> {
  const entry = entries.find(({ description }) => description === 'ENCODING');
  if (entry === undefined) return 'SQL_ASCII';
  const { definition } = await new StatementReader(file, header.integerBytes).read(entry.text, new ArchiveText('LATIN1', file.name));
  const name = /'([A-Za-z0-9_]+)'/.exec(definition)?.[1];
  if (name === undefined) throw damagedArchive(file.name, 'its entry ENCODING names none', entry.text.start);
  return name;
}

function decoded(entry: RawEntry, text: ArchiveText): TocEntry {
  const decode = (name: string): string => (/^[\0-\x7f]*$/.test(name) ? name : text.decode(Buffer.from(name, 'latin1')));
  const names = [entry.tag, entry.namespace, entry.owner, entry.tablespace ?? ''];
  if (names.every((name) => decode(name) === name)) return entry;
  return { ...entry, tag: decode(entry.tag), namespace: decode(entry.namespace), owner: decode(entry.owner), tablespace: entry.tablespace === null ? null : decode(entry.tablespace) };
}
