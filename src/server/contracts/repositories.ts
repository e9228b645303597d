/** Backup repositories that the server knows by name, and what is in them. Backups are made, restored and verified by runs (runs.ts). */
import { z } from 'zod';
import { connectionName, count, cursor, page, time } from './common.ts';
import { route } from './route-contract.ts';

const problemText = z.object({ code: z.string(), message: z.string(), hint: z.string() });

const repository = z.object({
  name: z.string(),
  path: z.string(),
  status: z.enum(['ready', 'empty', 'unusable']).describe('`empty`: nothing is there yet, the first backup makes it'),
  backups: z.int().nullable(),
  newest: z.string().nullable().describe('Name of the newest backup'),
  newestAt: time.nullable(),
  error: problemText.nullable().describe('Why it is unusable'),
});
export type RepositoryListing = z.infer<typeof repository>;

const totals = z.object({ tables: z.int(), rows: z.number(), bytes: z.number(), largeObjects: z.int(), chunks: z.int(), newChunks: z.int(), newBytes: z.number() });

const backup = z.object({
  backup: z.string(),
  status: z.enum(['complete', 'damaged']),
  startedAt: time.nullable(),
  finishedAt: time.nullable(),
  database: z.string().nullable(),
  address: z.string().nullable().describe('Of the server it is of, without secrets'),
  totals: totals.nullable(),
  notes: z.array(z.string()),
  error: problemText.nullable(),
});
export type BackupListing = z.infer<typeof backup>;

const backupDetails = backup.extend({
  writer: z.string(),
  serverVersion: z.int(),
  encoding: z.string(),
  scope: z.object({ schema: z.boolean(), data: z.boolean(), tables: z.array(z.string()), exclude: z.array(z.string()) }),
  schemaWriter: z.string().nullable().describe('Null: the schema is not part of it'),
});

const backupTable = z.object({
  name: z.string(),
  columns: z.array(z.object({ name: z.string(), type: z.string() })),
  rows: z.number(),
  bytes: z.number(),
  parts: z.int(),
  encoding: z.string(),
});

const lock = z.object({ purpose: z.string(), kind: z.string(), pid: z.int(), host: z.string(), startedAt: time, leaseUntil: time, stale: z.boolean() });

export const repositoryName = connectionName;
/** A name, the beginning of one, or `newest`. */
export const backupName = z.string().min(1).max(100).regex(/^[0-9A-Za-z-]+$/, 'is no name of a backup');

const nameParams = z.object({ repository: repositoryName });
const backupParams = z.object({ repository: repositoryName, backup: backupName.describe('A name, the beginning of one, or `newest`') });

export const listRepositories = route({
  id: 'listRepositories', method: 'GET', path: '/api/v1/repositories', access: 'viewer', tag: 'backups',
  summary: 'The backup repositories that the server knows, each with its newest backup',
  success: { status: 200, description: 'By name', body: z.object({ items: z.array(repository) }) },
});

export const addRepository = route({
  id: 'addRepository', method: 'POST', path: '/api/v1/repositories', access: 'admin', tag: 'backups',
  summary: 'Make a repository known: a folder below those that the server may use, with a repository in it or empty or not there yet',
  body: z.strictObject({ name: repositoryName, path: z.string().min(1).max(2000) }),
  success: { status: 201, description: 'Known', body: repository },
});

export const forgetRepository = route({
  id: 'forgetRepository', method: 'DELETE', path: '/api/v1/repositories/{repository}', access: 'admin', tag: 'backups',
  summary: 'Forget a repository; its files stay',
  params: nameParams,
  success: { status: 204, description: 'Forgotten' },
});

export const listBackups = route({
  id: 'listBackups', method: 'GET', path: '/api/v1/repositories/{repository}/backups', access: 'viewer', tag: 'backups',
  summary: 'The backups of a repository, newest first, and who works on it',
  params: nameParams,
  query: z.object({ cursor: cursor.optional(), limit: count(1, 200).default(50) }),
  success: { status: 200, description: 'A page; a damaged backup is listed as what it is', body: page(backup).extend({ locks: z.array(lock) }) },
});

export const showBackup = route({
  id: 'showBackup', method: 'GET', path: '/api/v1/repositories/{repository}/backups/{backup}', access: 'viewer', tag: 'backups',
  summary: 'What a backup is of and what is in it',
  params: backupParams,
  success: { status: 200, description: 'The backup', body: backupDetails },
});

export const listBackupTables = route({
  id: 'listBackupTables', method: 'GET', path: '/api/v1/repositories/{repository}/backups/{backup}/tables', access: 'viewer', tag: 'backups',
  summary: 'The tables of a backup',
  params: backupParams,
  query: z.object({ search: z.string().max(300).optional(), cursor: cursor.optional(), limit: count(1, 1000).default(100) }),
  success: { status: 200, description: 'A page, in the order of the backup', body: page(backupTable) },
});

export const repositoryContracts = [listRepositories, addRepository, forgetRepository, listBackups, showBackup, listBackupTables] as const;
