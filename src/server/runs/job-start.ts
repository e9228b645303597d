/** What a request says of a job, as the options of its job function: connections by name, paths below the folders of the server, types as people write them. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { MARKER } from '../../backup/repository/object-names.ts';
import { SluiceError } from '../../errors/sluice-error.ts';
import type { ReadOptions } from '../../formats/format.ts';
import { isHttpUrl, isUrl } from '../../io/names.ts';
import type { RunHandle, StartRunOptions } from '../../jobs/start-run.ts';
import { startBackup, startCopy, startExport, startImport, startRestore, startVerify } from '../../jobs/start-transfer.ts';
import { parseColumnType } from '../../rows/parse-column-type.ts';
import type { ServerContext } from '../context.ts';
import type { JobRequest, ReadBody } from '../contracts/runs.ts';
import { present } from '../present.ts';
import { checkEmbeddedSql } from '../sql-check.ts';
import type { RunEnds } from './server-runs.ts';

export interface JobStart {
  readonly start: (options: StartRunOptions) => RunHandle;
  readonly ends: RunEnds;
  readonly jobs: number | undefined;
}

/** @throws SluiceError CONNECTION_UNKNOWN, PATH_REFUSED, SOURCE_NOT_FOUND, SQL_REFUSED, USAGE */
export async function jobStart(request: JobRequest, context: ServerContext): Promise<JobStart> {
  switch (request.job) {
    case 'import': return importStart(request, context);
    case 'export': return exportStart(request, context);
    case 'copy': return copyStart(request, context);
    case 'backup': return backupStart(request, context);
    case 'restore': return restoreStart(request, context);
    case 'verify': return verifyStart(request, context);
    default: return request satisfies never;
  }
}

type Of<J extends JobRequest['job']> = Extract<JobRequest, { job: J }>;

async function importStart({ job: _job, jobs, sources, to, mode, read, ...rest }: Of<'import'>, context: ServerContext): Promise<JobStart> {
  const url = context.connections.urlOf(to);
  const paths: string[] = [];
  for (const source of sources) paths.push(await readable(source, context));
  const options = { sources: paths, to: url, reference: to, mode, read: readOptions(read), ...present(rest) };
  return { start: (run) => startImport(options, run), ends: [{ url, isTarget: true }], jobs };
}

async function exportStart({ job: _job, jobs, from, to, compression, csv, overwrite, ...rest }: Of<'export'>, context: ServerContext): Promise<JobStart> {
  const url = context.connections.urlOf(from);
  await checkEmbeddedSql(url, rest);
  const target = await context.files.forWriting(to);
  const options = {
    from: url, to: target, overwrite, ...present(rest),
    ...(compression === undefined ? {} : { compression: { kind: compression.kind, ...present({ level: compression.level }) } }), ...(csv === undefined ? {} : { csv: present(csv) }),
  };
  return { start: (run) => startExport(options, run), ends: [{ url, isTarget: false }], jobs };
}

async function copyStart({ job: _job, jobs, from, to, mode, ...rest }: Of<'copy'>, context: ServerContext): Promise<JobStart> {
  const [source, target] = [context.connections.urlOf(from), context.connections.urlOf(to)];
  await checkEmbeddedSql(source, rest);
  const options = { from: source, to: target, mode, ...present(rest) };
  return { start: (run) => startCopy(options, run), ends: [{ url: source, isTarget: false }, { url: target, isTarget: true }], jobs };
}

/** The program that writes the schema is the server's own choice: a request may not name one. */
async function backupStart({ jobs, from, repository, tables = [], exclude = [], schema, data, level }: Of<'backup'>, context: ServerContext): Promise<JobStart> {
  const url = context.connections.urlOf(from);
  if (!schema && !data) throw new SluiceError('REQUEST_INVALID', { what: 'schema and data cannot both be left out' });
  if (!data && (tables.length > 0 || exclude.length > 0)) throw new SluiceError('REQUEST_INVALID', { what: 'tables and exclude choose rows: without data there are none' });
  const options = { from: url, to: await context.repositories.pathOf(repository), tables, exclude, schema, data, ...present({ level }) };
  return { start: (run) => startBackup(options, run), ends: [{ url, isTarget: false }], jobs };
}

async function restoreStart({ job: _job, jobs, source, repository, backup, to, mode, read, ...rest }: Of<'restore'>, context: ServerContext): Promise<JobStart> {
  const url = context.connections.urlOf(to);
  const path = repository === undefined ? await restorable(source!, context) : await backupIn(repository, backup, context);
  // Options that only one of the two kinds of restores knows are refused by the other.
  const options = { source: path, to: url, reference: to, mode, read: readOptions(read), ...present(rest) };
  return { start: (run) => startRestore(options, run), ends: [{ url, isTarget: true }], jobs };
}

async function verifyStart({ jobs, repository, backup, against, tables, examples, percent }: Of<'verify'>, context: ServerContext): Promise<JobStart> {
  if (against === undefined && (tables ?? examples) !== undefined) throw new SluiceError('REQUEST_INVALID', { what: 'tables and examples need against' });
  if (against !== undefined && percent !== undefined) throw new SluiceError('REQUEST_INVALID', { what: 'percent is of chunks, and against compares rows' });
  const url = against === undefined ? undefined : context.connections.urlOf(against);
  const options = { repository: await context.repositories.pathOf(repository), ...present({ backup: wantedBackup(backup), against: url, tables, examples, percent }) };
  return { start: (run) => startVerify(options, run), ends: url === undefined ? [] : [{ url, isTarget: false }], jobs };
}

/** By its full name: the newest may be another one when the run begins. @throws SluiceError BACKUP_UNKNOWN and others of opening the repository */
async function backupIn(name: string, backup: string | undefined, { repositories }: ServerContext): Promise<string> {
  const repository = await repositories.open(name);
  return `${repository.storage.name}@${await repository.find(wantedBackup(backup))}`;
}

export function wantedBackup(backup: string | undefined): string | undefined {
  return backup === 'newest' ? undefined : backup;
}

/** A repository has more files than anybody would look through; its folder is what counts. */
async function restorable(source: string, context: ServerContext): Promise<string> {
  if (isUrl(source) || source === '-') return readable(source, context);
  const path = await context.files.existing(source);
  return existsSync(join(path, MARKER)) ? path : readable(source, context);
}

/** A path that exists is taken literally by whoever opens it: real paths have no pattern to expand. */
export async function readable(source: string, { files, urls }: ServerContext): Promise<string> {
  if (isHttpUrl(source) && urls) return source;
  if (isHttpUrl(source)) throw new SluiceError('OPTION_UNSUPPORTED', { option: 'Reading an address', context: 'by this server: it was started without --urls' });
  if (isUrl(source) || source === '-') throw new SluiceError('PATH_REFUSED', { path: source });
  return files.forReading(source);
}

function readOptions(read: ReadBody | undefined): ReadOptions {
  if (read === undefined) return {};
  const { csv, types, ...rest } = read;
  return {
    ...present(rest),
    ...(csv === undefined ? {} : { csv: present(csv) }),
    ...(types === undefined ? {} : { types: Object.fromEntries(Object.entries(types).map(([field, type]) => [field, parseColumnType(type, `read.types.${field}`)])) }),
  };
}
