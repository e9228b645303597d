import { glob, readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { hasSystemCode, SluiceError } from '../errors/sluice-error.ts';
import type { ByteSource } from './byte-source.ts';
import { throwIfCancelled } from './cancellation.ts';
import { descriptorOfPath, openForReading, readDescriptor } from './descriptor.ts';
import type { HttpLimits } from './http-request.ts';
import { openRegularFile } from './local-file.ts';
import { hasGlobCharacters, isHidden, isHttpUrl, isUrl, KNOWN_EXTENSIONS, redactUrl, splitName } from './names.ts';
import { SequentialSource } from './sequential-source.ts';
import { openStdin } from './stdin.ts';
import { sourceError } from './system-errors.ts';

export interface OpenSourcesOptions {
  readonly signal?: AbortSignal;
  /** Instead of the process's own standard input. */
  readonly stdin?: Readable;
  /** What standard input is called; default `stdin`. */
  readonly stdinName?: string;
  /** The endings that are taken from a folder; default KNOWN_EXTENSIONS. */
  readonly extensions?: readonly string[];
  readonly httpLimits?: HttpLimits;
}

/** What one location stands for. */
export interface SourceGroup {
  /** As given, secrets removed. */
  readonly location: string;
  readonly origin: 'file' | 'folder' | 'glob' | 'stdin' | 'url';
  /** One or more; a folder's and a glob's in the order of their names (by code unit, so the same everywhere). */
  readonly sources: readonly ByteSource[];
  /** Names of the files of a folder that were not taken because of their ending. Hidden files and subfolders are not listed. */
  readonly leftOut: readonly string[];
}

/**
 * Finds and opens what a user named: files, folders (their direct children with a known ending), globs (`*`, `?`, `[…]`, `{a,b}`,
 * `**`), `-` for standard input, http(s) and file URLs. An existing path is always taken literally, also with glob characters in it.
 * Close every source; when this fails, those that were opened are closed already.
 * @throws SluiceError SOURCE_NOT_FOUND, SOURCE_UNREADABLE, NO_FILES, HTTP_SOURCE_FAILED, OPTION_UNSUPPORTED, USAGE, CANCELLED
 */
export async function openSources(locations: readonly string[], options: OpenSourcesOptions = {}): Promise<SourceGroup[]> {
  if (locations.filter((location) => location === '-').length > 1) throw new SluiceError('USAGE', { what: 'Standard input (-) can be read only once' });
  const groups: SourceGroup[] = [];
  try {
    for (const location of locations) groups.push(await openLocation(location, options));
    return groups;
  } catch (error) {
    await Promise.all(groups.flatMap(({ sources }) => sources.map((source) => source.close())));
    throw error;
  }
}

/**
 * Opens one local path that must be a file (regular, pipe or device).
 * @throws SluiceError SOURCE_NOT_FOUND, SOURCE_IS_DIRECTORY, SOURCE_UNREADABLE, CANCELLED
 */
export async function openFile(path: string, signal?: AbortSignal): Promise<ByteSource> {
  throwIfCancelled(signal);
  const found = await stat(path).catch((error: unknown) => {
    throw sourceError(error, path);
  });
  if (found.isDirectory()) throw new SluiceError('SOURCE_IS_DIRECTORY', { path }, { file: path });
  const regular = found.isFile() ? await openRegularFile(path) : undefined;
  if (regular !== undefined) return regular;
  const descriptor = openForReading(path);
  const parts = descriptorOfPath(path) === undefined ? splitName(path) : { stem: 'stdin', extension: '', compression: 'none' as const };
  return SequentialSource.open({ name: path, parts, open: (stop) => readDescriptor(descriptor, path, stop) }, signal);
}

async function openLocation(location: string, options: OpenSourcesOptions): Promise<SourceGroup> {
  const { signal } = options;
  throwIfCancelled(signal);
  if (location === '-') return single('stdin', 'stdin', await openStdin(signal, options.stdin, options.stdinName));
  if (isHttpUrl(location)) return single(redactUrl(location), 'url', await openUrl(location, options));
  if (/^file:\/\//i.test(location)) return openPath(pathOfUrl(location), options);
  if (isUrl(location)) throw new SluiceError('OPTION_UNSUPPORTED', { option: redactUrl(location), context: 'as a source of files' });
  return openPath(location, options);
}

/** Loaded on demand: HTTP and TLS are several megabytes that the import of a file does not need. */
async function openUrl(location: string, options: OpenSourcesOptions): Promise<ByteSource> {
  const { openHttpSource } = await import('./http-source.ts');
  return openHttpSource(location, options.signal, options.httpLimits);
}

async function openPath(path: string, options: OpenSourcesOptions): Promise<SourceGroup> {
  try {
    if ((await stat(path)).isDirectory()) return await openFolder(path, options);
  } catch (error) {
    if (hasSystemCode(error, 'ENOENT', 'ENOTDIR', 'ENAMETOOLONG') && hasGlobCharacters(path)) return openGlob(path, options);
    throw sourceError(error, path);
  }
  return single(path, 'file', await openFile(path, options.signal));
}

function single(location: string, origin: SourceGroup['origin'], source: ByteSource): SourceGroup {
  return { location, origin, sources: [source], leftOut: [] };
}

async function openFolder(folder: string, options: OpenSourcesOptions): Promise<SourceGroup> {
  const known = options.extensions ?? KNOWN_EXTENSIONS;
  const taken: string[] = [];
  const leftOut: string[] = [];
  for (const name of (await readdir(folder)).toSorted(byCodeUnit)) {
    if (isHidden(name)) continue;
    const isKnown = known.includes(splitName(name).extension);
    if (await isFolder(join(folder, name))) continue;
    (isKnown ? taken : leftOut).push(name);
  }
  if (taken.length === 0) throw new SluiceError('NO_FILES', { path: folder }, { file: folder });
  const sources = await openAll(taken.map((name) => join(folder, name)), options.signal);
  return { location: folder, origin: 'folder', sources, leftOut };
}

async function openGlob(pattern: string, options: OpenSourcesOptions): Promise<SourceGroup> {
  const paths: string[] = [];
  for await (const path of glob(pattern)) {
    throwIfCancelled(options.signal);
    if (!(await isFolder(path))) paths.push(path);
  }
  if (paths.length === 0) throw new SluiceError('SOURCE_NOT_FOUND', { path: pattern }, { file: pattern });
  return { location: pattern, origin: 'glob', sources: await openAll(paths.toSorted(byCodeUnit), options.signal), leftOut: [] };
}

async function openAll(paths: readonly string[], signal: AbortSignal | undefined): Promise<ByteSource[]> {
  const sources: ByteSource[] = [];
  try {
    for (const path of paths) sources.push(await openFile(path, signal));
    return sources;
  } catch (error) {
    await Promise.all(sources.map((source) => source.close()));
    throw error;
  }
}

/** A link that leads nowhere is not a folder: opening it reports it instead of passing over it. */
async function isFolder(path: string): Promise<boolean> {
  return stat(path).then(
    (found) => found.isDirectory(),
    () => false,
  );
}

function byCodeUnit(left: string, right: string): number {
  return left < right ? -1 : left > right ? 1 : 0;
}

function pathOfUrl(location: string): string {
  try {
    return fileURLToPath(location);
  } catch (error) {
    throw new SluiceError('SOURCE_NOT_FOUND', { path: redactUrl(location) }, {}, error);
  }
}
