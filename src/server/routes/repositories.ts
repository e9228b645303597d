import { z } from 'zod';
import { readList, tableEntrySchema, type TableEntry } from '../../backup/repository/entry-list.ts';
import { readLocks } from '../../backup/repository/lock.ts';
import type { Manifest } from '../../backup/repository/manifest.ts';
import type { Repository } from '../../backup/repository/repository.ts';
import { hasSystemCode, SluiceError, toSluiceError } from '../../errors/sluice-error.ts';
import { reportError } from '../../jobs/receipt.ts';
import type { ServerContext } from '../context.ts';
import { addRepository, forgetRepository, listBackups, listBackupTables, listRepositories, showBackup, type BackupListing, type RepositoryListing } from '../contracts/repositories.ts';
import { decodeCursor, encodeCursor } from '../cursor.ts';
import type { Router } from '../http/router.ts';
import { wantedBackup } from '../runs/job-start.ts';
import type { Repositories } from '../store/repositories.ts';

const backupCursor = z.strictObject({ before: z.string().max(100) });
const tableCursor = z.strictObject({ offset: z.int().min(0) });

export function bindRepositories(router: Router, { repositories }: ServerContext): void {
  router.bind(listRepositories, async () => {
    const items: RepositoryListing[] = [];
    for (const known of repositories.list()) items.push(await listing(repositories, known));
    return { items };
  });
  router.bind(addRepository, async ({ body }) => listing(repositories, await repositories.add(body.name, body.path)));
  router.bind(forgetRepository, ({ params }) => repositories.forget(params.repository));
  router.bind(listBackups, async ({ params, query }) => {
    const repository = await openIfMade(repositories, params.repository);
    if (repository === undefined) return { items: [], next: null, locks: [] };
    const before = decodeCursor(query.cursor, backupCursor)?.before;
    const names = (await repository.backupNames()).toReversed().filter((name) => before === undefined || name < before);
    const items: BackupListing[] = [];
    for (const name of names.slice(0, query.limit)) {
      const found = await repository.manifest(name).then((manifest) => backupOf(manifest), (error: unknown) => damagedBackup(name, error));
      if (found !== undefined) items.push(found);
    }
    const locks = (await readLocks(repository.storage)).map(({ purpose, kind, pid, host, startedAt, leaseUntil, stale }) => ({ purpose, kind, pid, host: host.split('/')[0], startedAt: Date.parse(startedAt), leaseUntil: Date.parse(leaseUntil), stale }));
    return { items, next: names.length > query.limit ? encodeCursor({ before: names[query.limit - 1] }) : null, locks };
  });
  router.bind(showBackup, async ({ params }) => {
    const repository = await repositories.open(params.repository);
    const manifest = await repository.manifest(await repository.find(wantedBackup(params.backup)));
    const { writer, source: { serverVersion, encoding }, scope, schema } = manifest;
    return { ...backupOf(manifest), writer, serverVersion, encoding, scope: { schema: scope.schema, data: scope.data, tables: [...scope.tables], exclude: [...scope.exclude] }, schemaWriter: schema?.writer ?? null };
  });
  router.bind(listBackupTables, async ({ params, query }) => {
    const repository = await repositories.open(params.repository);
    const manifest = await repository.manifest(await repository.find(wantedBackup(params.backup)));
    const offset = decodeCursor(query.cursor, tableCursor)?.offset ?? 0;
    const wanted = query.search?.toLowerCase();
    const items: ReturnType<typeof tableOf>[] = [];
    let seen = 0;
    let hasMore = false;
    for await (const entry of readList(repository.chunks, manifest.tables, tableEntrySchema, { backup: manifest.backup })) {
      if ((wanted !== undefined && !`${entry.schema}.${entry.name}`.toLowerCase().includes(wanted)) || seen++ < offset) continue;
      hasMore = items.length === query.limit;
      if (hasMore) break;
      items.push(tableOf(entry));
    }
    return { items, next: hasMore ? encodeCursor({ offset: offset + items.length }) : null };
  });
}

/** Undefined where the first backup will make it. */
async function openIfMade(repositories: Repositories, name: string): Promise<Repository | undefined> {
  try {
    return await repositories.open(name);
  } catch (error) {
    if (error instanceof SluiceError && error.code === 'REPOSITORY_UNKNOWN') return undefined;
    throw error;
  }
}

async function listing(repositories: Repositories, { name, path }: { name: string; path: string }): Promise<RepositoryListing> {
  try {
    const repository = await openIfMade(repositories, name);
    if (repository === undefined) return { name, path, status: 'empty', backups: 0, newest: null, newestAt: null, error: null };
    const names = await repository.backupNames();
    const newest = names.at(-1) ?? null;
    const manifest = newest === null ? undefined : await repository.manifest(newest).catch(() => undefined);
    return { name, path, status: 'ready', backups: names.length, newest, newestAt: manifest === undefined ? null : Date.parse(manifest.finishedAt), error: null };
  } catch (error) {
    return { name, path, status: 'unusable', backups: null, newest: null, newestAt: null, error: problemText(error) };
  }
}

function backupOf({ backup, startedAt, finishedAt, source, totals, notes }: Manifest): BackupListing {
  return { backup, status: 'complete', startedAt: Date.parse(startedAt), finishedAt: Date.parse(finishedAt), database: source.database, address: source.address, totals: { ...totals }, notes: [...notes], error: null };
}

/** Undefined for one that was removed meanwhile. */
function damagedBackup(backup: string, error: unknown): BackupListing | undefined {
  if (error instanceof SluiceError && error.code === 'BACKUP_UNKNOWN') return undefined;
  if (!(error instanceof SluiceError) && !hasSystemCode(error, 'EIO', 'EACCES')) throw error;
  return { backup, status: 'damaged', startedAt: null, finishedAt: null, database: null, address: null, totals: null, notes: [], error: problemText(error) };
}

function problemText(error: unknown): { code: string; message: string; hint: string } {
  const { code, message, hint } = reportError(toSluiceError(error));
  return { code, message, hint };
}

function tableOf({ schema, name, columns, rows, bytes, partCount, encoding }: TableEntry): { name: string; columns: { name: string; type: string }[]; rows: number; bytes: number; parts: number; encoding: string } {
  return { name: `${schema}.${name}`, columns: columns.map((column) => ({ name: column.name, type: column.type })), rows, bytes, parts: partCount, encoding };
}
