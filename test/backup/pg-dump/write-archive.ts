/**
 * Writes archives of any version of the format, for versions whose pg_dump is not at hand: each field as pg_dump's WriteHead and WriteToc of that version have it. That it is right is held against
 * pg_restore, as far as the one that is there knows the version.
 */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { deflateSync, gzipSync, zstdCompressSync } from 'node:zlib';
import type { ArchiveFile, ArchivePieces } from '../../../src/backup/pg-dump/archive-file.ts';
import type { DumpArchive, DumpCompression, DumpEntry, DumpStatements } from '../../../src/backup/pg-dump/dump-archive.ts';
import { storedFrame } from '../../io/lz4-stored-frame.ts';
import { bytesOf, dataOf, NEVER } from './support.ts';

export interface ContentEntry extends Omit<DumpEntry, 'storedBytes' | 'hasData'> {
  readonly statements: DumpStatements;
  /** Also the end marker of rows. */
  readonly data?: Buffer;
  readonly largeObjects?: readonly (readonly [oid: number, bytes: Buffer])[];
}

export interface Form {
  readonly minor: number;
  readonly integerBytes: number;
  readonly offsetBytes: number;
  readonly compression: DumpCompression;
  /** false: as written to a pipe. */
  readonly offsetsKnown: boolean;
  readonly chunkBytes: number;
}

export const USUAL_FORM: Form = { minor: 14, integerBytes: 4, offsetBytes: 8, compression: 'gzip', offsetsKnown: true, chunkBytes: 4096 };

const SECTIONS = { 'none': 1, 'pre-data': 2, 'data': 3, 'post-data': 4 };
const END_MARKER = Buffer.from('\\.\n\n\n');

export async function contentOf(archive: DumpArchive): Promise<ContentEntry[]> {
  const content: ContentEntry[] = [];
  for (const entry of archive.entries) {
    const statements = await archive.statements(entry);
    if (!entry.hasData) {
      content.push({ ...entry, statements });
    } else if (entry.description === 'BLOBS') {
      const largeObjects: [number, Buffer][] = [];
      for await (const { oid, bytes } of archive.largeObjects(entry, NEVER)) largeObjects.push([oid, await bytesOf(bytes)]);
      content.push({ ...entry, statements, largeObjects });
    } else {
      const data = await dataOf(archive, entry);
      content.push({ ...entry, statements, data: statements.copyStatement === '' ? data : Buffer.concat([data, END_MARKER]) });
    }
  }
  return content;
}

export function writeCustom(content: readonly ContentEntry[], form: Form): Buffer {
  const blocks: Buffer[] = [], places = new Map<number, number>();
  let length = 0;
  for (const entry of content) {
    const block = blockOf(entry, form);
    if (block === undefined) continue;
    places.set(entry.dumpId, length);
    blocks.push(block);
    length += block.length;
  }
  const head = (dataStart: number): Buffer => {
    const place = (entry: ContentEntry): Buffer[] => {
      const at = places.get(entry.dumpId);
      if (at === undefined) return [Buffer.from([3]), little(0, form.offsetBytes)];
      return form.offsetsKnown ? [Buffer.from([2]), little(dataStart + at, form.offsetBytes)] : [Buffer.from([1]), little(0, form.offsetBytes)];
    };
    return Buffer.concat([headerOf(form, 1), ...tocOf(content, form, place)]);
  };
  return Buffer.concat([head(head(0).length), ...blocks]);
}

export async function writeDirectory(content: readonly ContentEntry[], form: Form, folder: string): Promise<void> {
  const ending = { none: '', gzip: '.gz', lz4: '.lz4', zstd: '.zst' }[form.compression];
  const pack = { none: (bytes: Buffer) => bytes, gzip: (bytes: Buffer) => gzipSync(bytes), lz4: storedFrame, zstd: (bytes: Buffer) => zstdCompressSync(bytes) }[form.compression];
  const fileOf = (entry: ContentEntry): string => (entry.largeObjects === undefined ? (entry.data === undefined ? '' : `${entry.dumpId}.dat`) : form.minor < 16 ? 'blobs.toc' : `blobs_${entry.dumpId}.toc`);
  await writeFile(join(folder, 'toc.dat'), Buffer.concat([headerOf(form, 3), ...tocOf(content, form, (entry) => [string(fileOf(entry), form)])]));
  for (const entry of content) {
    if (entry.data !== undefined) await writeFile(join(folder, fileOf(entry) + ending), pack(entry.data));
    if (entry.largeObjects === undefined) continue;
    await writeFile(join(folder, fileOf(entry)), entry.largeObjects.map(([oid]) => `${oid} blob_${oid}.dat\n`).join(''));
    for (const [oid, bytes] of entry.largeObjects) await writeFile(join(folder, `blob_${oid}.dat${ending}`), pack(bytes));
  }
}

/** An archive in memory. */
export class MemoryFile implements ArchiveFile {
  readonly name = 'memory';
  readonly bytes: number;
  readonly #content: Buffer;
  readonly #pieceBytes: number;

  constructor(content: Buffer, pieceBytes = 64 * 1024) {
    this.bytes = content.length;
    this.#content = content;
    this.#pieceBytes = pieceBytes;
  }

  async *read(start: number, end: number): ArchivePieces {
    if (end > this.bytes) throw new RangeError('behind the end');
    for (let at = start; at < end; at += this.#pieceBytes) {
      const piece = Buffer.from(this.#content.subarray(at, Math.min(end, at + this.#pieceBytes)));
      yield piece;
      await Promise.resolve();
      piece.fill(0xee);
    }
  }

  refuseChange(): Promise<void> {
    return Promise.resolve();
  }

  close(): Promise<void> {
    return Promise.resolve();
  }
}

function headerOf(form: Form, kind: number): Buffer {
  const fixed = Buffer.from([...Buffer.from('PGDMP'), 1, form.minor, 0, form.integerBytes, form.offsetBytes, kind]);
  const method = Buffer.from([['none', 'gzip', 'lz4', 'zstd'].indexOf(form.compression)]);
  const compression = form.minor >= 15 ? method : integer(form.compression === 'none' ? 0 : -1, form);
  const time = [5, 4, 7, 22, 10, 126, 0].map((field) => integer(field, form));
  return Buffer.concat([fixed, compression, ...time, string('sample', form), string('15.1', form), string('15.2', form)]);
}

function tocOf(content: readonly ContentEntry[], form: Form, place: (entry: ContentEntry) => Buffer[]): Buffer[] {
  const orNone = (text: string | null): Buffer => string(text === '' ? null : text, form);
  return [
    integer(content.length, form),
    ...content.flatMap((entry) => [
      integer(entry.dumpId, form),
      integer(entry.data !== undefined || entry.largeObjects !== undefined ? 1 : 0, form),
      string(String(entry.catalogOid), form),
      string(String(entry.oid), form),
      string(entry.tag, form),
      string(entry.description, form),
      ...(form.minor >= 11 ? [integer(SECTIONS[entry.section], form)] : []),
      string(entry.statements.definition, form),
      string(entry.statements.dropStatement, form),
      orNone(entry.statements.copyStatement),
      orNone(entry.namespace),
      string(entry.tablespace, form),
      ...(form.minor >= 14 ? [string(entry.accessMethod, form)] : []),
      ...(form.minor >= 16 ? [integer(entry.relkind?.codePointAt(0) ?? 0, form)] : []),
      string(entry.owner, form),
      string('false', form),
      ...entry.dependencies.map((id) => string(String(id), form)),
      string(null, form),
      ...place(entry),
    ]),
  ];
}

function blockOf(entry: ContentEntry, form: Form): Buffer | undefined {
  if (entry.data !== undefined) return Buffer.concat([Buffer.from([1]), integer(entry.dumpId, form), ...chunks(entry.data, form)]);
  if (entry.largeObjects === undefined) return undefined;
  const objects = entry.largeObjects.flatMap(([oid, bytes]) => [integer(oid | 0, form), ...chunks(bytes, form)]);
  return Buffer.concat([Buffer.from([3]), integer(entry.dumpId, form), ...objects, integer(0, form)]);
}

function chunks(bytes: Buffer, form: Form): Buffer[] {
  const packed = { none: () => bytes, gzip: () => deflateSync(bytes), lz4: () => (bytes.length === 0 ? bytes : storedFrame(bytes)), zstd: () => zstdCompressSync(bytes) }[form.compression]();
  const all: Buffer[] = [];
  for (let at = 0; at < packed.length; at += form.chunkBytes) {
    const chunk = packed.subarray(at, at + form.chunkBytes);
    all.push(integer(chunk.length, form), chunk);
  }
  return [...all, integer(0, form)];
}

/** A sign, and the bytes of the magnitude, the least significant first. */
export function integer(value: number, { integerBytes }: Pick<Form, 'integerBytes'>): Buffer {
  return Buffer.concat([Buffer.from([value < 0 ? 1 : 0]), little(Math.abs(value), integerBytes)]);
}

function little(value: number, bytes: number): Buffer {
  return Buffer.from(Array.from({ length: bytes }, (_, at) => Math.floor(value / 256 ** at) % 256));
}

function string(text: string | null, form: Form): Buffer {
  if (text === null) return integer(-1, form);
  const bytes = Buffer.from(text);
  return Buffer.concat([integer(bytes.length, form), bytes]);
}
