/**
 * The head of an archive, the same in a custom archive and in a directory's toc.dat: `PGDMP`, three bytes of version, the bytes of an integer and of an offset, what kind of archive it is, how
 * its data are compressed, when it was written, and what of.
 *
 * | version | pg_dump | what is new |
 * |---|---|---|
 * | 1.10 | 8.0 | tablespaces; versions of server and pg_dump |
 * | 1.11 | 8.4 | sections |
 * | 1.12 | 9.0 | each large object has an entry of its own |
 * | 1.13 | 9.3 to 10 of 2018, 11 | SEARCHPATH |
 * | 1.14 | 12 | table access methods |
 * | 1.15 | 16 | the method of compression in place of its level |
 * | 1.16 | 17 | groups of large objects; kinds of relations |
 */
import { unsupportedArchive } from './archive-errors.ts';
import type { ByteCursor } from './byte-cursor.ts';
import type { DumpCompression } from './dump-archive.ts';

export const ARCHIVE_MAGIC = Buffer.from('PGDMP');

export const CUSTOM_KIND = 1;
/** Also what a directory's toc.dat says. */
export const TAR_KIND = 3;

const OLDEST_MINOR = 10;
const NEWEST_MINOR = 16;
/** What pg_dump writes for the method of compression, from 1.15 on. */
const METHODS: readonly DumpCompression[] = ['none', 'gzip', 'lz4', 'zstd'];
const MAX_HEADER_STRING_BYTES = 64 * 1024;

export interface ArchiveHeader {
  /** 14 for 1.14. */
  readonly minor: number;
  readonly integerBytes: number;
  readonly offsetBytes: number;
  readonly kind: number;
  readonly compression: DumpCompression;
  readonly createdAt: string;
  readonly database: string;
  readonly serverVersion: string;
  readonly dumpVersion: string;
}

/** Leaves the cursor behind the header, with its size of integers. @throws SluiceError ARCHIVE_DAMAGED, ARCHIVE_UNSUPPORTED */
export async function readHeader(cursor: ByteCursor, source: string): Promise<ArchiveHeader> {
  if (!(await cursor.bytes(ARCHIVE_MAGIC.length)).equals(ARCHIVE_MAGIC)) throw cursor.damaged('it does not begin with PGDMP');
  const [major, minor] = [await cursor.byte(), await cursor.byte()];
  if (major !== 1 || minor > NEWEST_MINOR) throw unsupportedArchive(source, `its format is ${major}.${minor}, and 1.${NEWEST_MINOR} is the newest that is known`, 'Use a newer Sluice, or restore it with the pg_restore of its version.');
  if (minor < OLDEST_MINOR) throw unsupportedArchive(source, `its format is ${major}.${minor}, of a pg_dump before 8.0`, 'Restore it with pg_restore.');
  await cursor.byte(); // revision
  const integerBytes = await cursor.byte(), offsetBytes = await cursor.byte();
  if (integerBytes < 1 || integerBytes > 8) throw cursor.damaged(`integers of ${integerBytes} bytes`);
  if (offsetBytes < 1 || offsetBytes > 8) throw cursor.damaged(`offsets of ${offsetBytes} bytes`);
  cursor.integerBytes = integerBytes;
  const kind = await cursor.byte();
  const compression = await readCompression(cursor, minor);
  const createdAt = await readTime(cursor);
  const [database, serverVersion, dumpVersion] = [await text(cursor), await text(cursor), await text(cursor)];
  return { minor, integerBytes, offsetBytes, kind, compression, createdAt, database, serverVersion, dumpVersion };
}

async function readCompression(cursor: ByteCursor, minor: number): Promise<DumpCompression> {
  if (minor < 15) return (await cursor.integer()) === 0 ? 'none' : 'gzip'; // a level; -1 is the default
  const method = METHODS[await cursor.byte()];
  if (method === undefined) throw cursor.damaged('its method of compression is unknown');
  return method;
}

/** Seconds, minutes, hours, day, month from 0, year from 1900, and whether it was summer time. */
async function readTime(cursor: ByteCursor): Promise<string> {
  const fields: number[] = [];
  for (let at = 0; at < 7; at++) fields.push(await cursor.integer());
  const [second, minute, hour, day, month, year] = fields;
  const two = (number: number): string => String(number).padStart(2, '0');
  return `${year + 1900}-${two(month + 1)}-${two(day)} ${two(hour)}:${two(minute)}:${two(second)}`;
}

async function text(cursor: ByteCursor): Promise<string> {
  return (await cursor.string(MAX_HEADER_STRING_BYTES, 'a string of its head'))?.toString('utf8') ?? '';
}
