/** Which of pg_dump's formats something is, by its first bytes; and how it is opened. */
import { open, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { constants, gunzipSync, zstdDecompressSync } from 'node:zlib';
import { detectCompression } from '../../io/decompress.ts';
import { sourceError } from '../../io/system-errors.ts';
import type { ChunkStore } from '../repository/chunk-store.ts';
import type { Content } from '../repository/content.ts';
import { unsupportedArchive } from './archive-errors.ts';
import { ContentArchiveFile, LocalArchiveFile } from './archive-file.ts';
import { ARCHIVE_MAGIC } from './archive-header.ts';
import { CustomArchive } from './custom-archive.ts';
import { DirectoryArchive, TOC_FILE } from './directory-archive.ts';
import type { DumpArchive } from './dump-archive.ts';

type DumpKind = 'custom' | 'directory' | 'tar' | 'packed' | 'plain' | 'cluster' | undefined;

/** pg_dumpall's own file in a folder with an archive for each database. */
const CLUSTER_MAP_FILE = 'map.dat';

const TAR_HEADER_BYTES = 512;
const HEAD_BYTES = 128 * 1024;

/**
 * Whether `openDumpArchive` is the one to read it: a custom archive, a folder with toc.dat, or what is one in a form that is not read (in tar format, compressed as a whole, of a whole
 * cluster), of which it says what to do. Plain SQL is no archive.
 */
export async function isDumpArchive(path: string): Promise<boolean> {
  const kind = await kindOf(path).catch(() => undefined);
  return kind === 'custom' || kind === 'directory' || kind === 'tar' || kind === 'packed' || (kind === 'cluster' && (await stat(path)).isDirectory());
}

/** @throws SluiceError ARCHIVE_DAMAGED, ARCHIVE_UNSUPPORTED, SOURCE_NOT_FOUND, SOURCE_UNREADABLE */
export async function openDumpArchive(path: string): Promise<DumpArchive> {
  const kind = await kindOf(path);
  if (kind === 'custom') return CustomArchive.open(await LocalArchiveFile.open(path, true));
  if (kind === 'directory') return DirectoryArchive.open(path);
  if (kind === 'tar') throw unsupportedArchive(path, 'it is in tar format, in which data cannot be read in parallel', 'Unpack it into a new folder with `tar -xf`, and name that folder: it is then an archive in directory format.');
  if (kind === 'packed') throw unsupportedArchive(path, 'it is compressed as a whole, so nothing can be found in it', 'Decompress it first, with `gunzip` or `zstd -d`. What pg_dump itself compresses (-Z) is read as it is.');
  if (kind === 'cluster') throw unsupportedArchive(path, 'it is of a whole cluster, by pg_dumpall', 'Run its SQL with psql; or dump each database by itself with `pg_dump -Fd`, and roles with `pg_dumpall --globals-only`.');
  if (kind === 'plain') throw unsupportedArchive(path, 'it is SQL, as pg_dump writes it without -F', 'SQL is no archive: it is imported with `sluice import FILE.sql`, or run with psql.');
  throw unsupportedArchive(path, 'it does not begin as one', 'Archives are made by `pg_dump -Fc` (a file) or `pg_dump -Fd` (a folder with toc.dat).');
}

/** The archive of a schema, as a backup in a repository has it. @param name for messages @throws SluiceError as `openDumpArchive`, CHUNK_MISSING, CHUNK_DAMAGED */
export function openDumpArchiveContent(store: ChunkStore, content: Content, name: string): Promise<DumpArchive> {
  return CustomArchive.open(new ContentArchiveFile(store, content, name));
}

async function kindOf(path: string): Promise<DumpKind> {
  try {
    const found = await stat(path);
    if (found.isDirectory()) return (await isThere(join(path, TOC_FILE))) ? 'directory' : (await isThere(join(path, CLUSTER_MAP_FILE))) ? 'cluster' : undefined;
    return found.isFile() ? kindOfHead(await headOf(path)) : undefined;
  } catch (error) {
    throw sourceError(error, path);
  }
}

function kindOfHead(head: Buffer): DumpKind {
  const kind = kindOfPlainHead(head);
  if (kind !== undefined) return kind;
  const packed = kindOfPlainHead(beginningOf(head));
  return packed === 'custom' || packed === 'tar' ? 'packed' : undefined;
}

/** Of what is compressed by gzip or zstd, as far as it can be told from its first bytes; else nothing. */
function beginningOf(head: Buffer): Buffer {
  const limits = { maxOutputLength: 1024 * 1024 };
  try {
    if (detectCompression(head, 'none') === 'gzip') return gunzipSync(head, { ...limits, finishFlush: constants.Z_SYNC_FLUSH });
    if (detectCompression(head, 'none') === 'zstd') return zstdDecompressSync(head, { ...limits, finishFlush: constants.ZSTD_e_flush });
  } catch {
    // It is compressed by something else, or too short.
  }
  return Buffer.alloc(0);
}

function kindOfPlainHead(head: Buffer): DumpKind {
  if (head.subarray(0, ARCHIVE_MAGIC.length).equals(ARCHIVE_MAGIC)) return 'custom';
  const text = head.toString('latin1');
  if (text.startsWith('--\n-- PostgreSQL database cluster dump')) return 'cluster';
  if (text.startsWith('--\n-- PostgreSQL database dump')) return 'plain';
  if (head.length >= TAR_HEADER_BYTES && text.startsWith(`${TOC_FILE}\0`) && text.slice(257, 262) === 'ustar') return 'tar';
  return undefined;
}

async function headOf(path: string): Promise<Buffer> {
  const handle = await open(path, 'r');
  try {
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(HEAD_BYTES), 0, HEAD_BYTES, 0);
    return buffer.subarray(0, bytesRead);
  } finally {
    await handle.close();
  }
}

async function isThere(path: string): Promise<boolean> {
  return stat(path).then(() => true, () => false);
}
