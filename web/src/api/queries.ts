/** What the page asks the server for, with the keys under which it is kept. */
import { QueryClient, queryOptions } from '@tanstack/react-query';
import type { listConnections, listTables, showTable } from '../../../src/server/contracts/connections.ts';
import type { listAlerts, showHistory } from '../../../src/server/contracts/monitor.ts';
import type { listBackups, listBackupTables, listRepositories } from '../../../src/server/contracts/repositories.ts';
import type { listRuns, showCourse, showRun } from '../../../src/server/contracts/runs.ts';
import type { listTokens, showSession } from '../../../src/server/contracts/session.ts';
import type { showSettings } from '../../../src/server/contracts/system.ts';
import { ApiError, ask } from './client.ts';
import type { RunDetails } from './types.ts';

export const queryClient = new QueryClient({
  defaultOptions: {
    queries: {
      staleTime: 5_000,
      // What may go away by itself is tried again; what the server refuses is shown at once.
      retry: (failures, error) => failures < 3 && error instanceof ApiError && (error.problem.retryable || error.problem.status === 0),
      retryDelay: (attempt) => Math.min(1000 * 2 ** attempt, 8000),
      refetchOnWindowFocus: false,
    },
  },
});

export const sessionQuery = queryOptions({
  queryKey: ['session'], staleTime: Infinity,
  queryFn: ({ signal }) => ask<typeof showSession>('GET', '/api/v1/session', { signal }),
});

export const settingsQuery = queryOptions({
  queryKey: ['settings'],
  queryFn: ({ signal }) => ask<typeof showSettings>('GET', '/api/v1/settings', { signal }),
});

export const connectionsQuery = queryOptions({
  queryKey: ['connections'],
  queryFn: async ({ signal }) => (await ask<typeof listConnections>('GET', '/api/v1/connections', { signal })).items,
});

const TABLES_SHOWN = 500;

export const tablesQuery = (connection: string, search = '') => queryOptions({
  queryKey: ['tables', connection, search],
  queryFn: ({ signal }) => ask<typeof listTables>('GET', '/api/v1/connections/{connection}/tables', { params: { connection }, query: { limit: TABLES_SHOWN, search }, signal }),
});

export const tableQuery = (connection: string, table: string) => queryOptions({
  queryKey: ['table', connection, table],
  queryFn: ({ signal }) => ask<typeof showTable>('GET', '/api/v1/connections/{connection}/tables/{table}', { params: { connection, table }, signal }),
});

export const runsQuery = (limit: number) => queryOptions({
  queryKey: ['runs', 'list', limit],
  queryFn: ({ signal }) => ask<typeof listRuns>('GET', '/api/v1/runs', { query: { limit }, signal }),
});

export const runQuery = (run: string) => queryOptions({
  queryKey: ['runs', 'one', run],
  queryFn: async ({ signal }) => await ask<typeof showRun>('GET', '/api/v1/runs/{run}', { params: { run }, signal }) as RunDetails,
});

export const courseQuery = (run: string) => queryOptions({
  queryKey: ['runs', 'course', run],
  queryFn: async ({ signal }) => (await ask<typeof showCourse>('GET', '/api/v1/runs/{run}/course', { params: { run }, signal })).samples,
});

export const tokensQuery = queryOptions({
  queryKey: ['tokens'],
  queryFn: async ({ signal }) => (await ask<typeof listTokens>('GET', '/api/v1/tokens', { signal })).items,
});

export const repositoriesQuery = queryOptions({
  queryKey: ['repositories'],
  queryFn: async ({ signal }) => (await ask<typeof listRepositories>('GET', '/api/v1/repositories', { signal })).items,
});

export const backupsQuery = (repository: string) => queryOptions({
  queryKey: ['repositories', repository, 'backups'],
  queryFn: ({ signal }) => ask<typeof listBackups>('GET', '/api/v1/repositories/{repository}/backups', { params: { repository }, query: { limit: 100 }, signal }),
});

export const backupTablesQuery = (repository: string, backup: string, search = '') => queryOptions({
  queryKey: ['repositories', repository, 'tables', backup, search],
  queryFn: ({ signal }) => ask<typeof listBackupTables>('GET', '/api/v1/repositories/{repository}/backups/{backup}/tables', { params: { repository, backup }, query: { limit: 500, search }, signal }),
});

export const historyQuery = (job: string) => queryOptions({
  queryKey: ['runs', 'history', job],
  queryFn: async ({ signal }) => (await ask<typeof showHistory>('GET', '/api/v1/history', { query: { limit: 100, ...(job === '' ? {} : { job: job as 'import' }) }, signal })).items,
});

export const alertsQuery = queryOptions({
  queryKey: ['runs', 'alerts'],
  queryFn: ({ signal }) => ask<typeof listAlerts>('GET', '/api/v1/alerts', { query: { limit: 20 }, signal }),
});
