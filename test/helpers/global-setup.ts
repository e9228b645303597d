import type { TestProject } from 'vitest/node';
import { POSTGRES_URL_VARIABLE, startSharedPostgres, type PostgresServer } from './postgres-server.ts';

declare module 'vitest' {
  interface ProvidedContext {
    postgresUrl: string;
  }
}

let server: PostgresServer | undefined;

/** One PostgreSQL for the whole run, unless SLUICE_TEST_POSTGRES_URL already names one. */
export async function setup(project: TestProject): Promise<void> {
  if (!process.env[POSTGRES_URL_VARIABLE]) {
    server = await startSharedPostgres();
  }
  project.provide('postgresUrl', process.env[POSTGRES_URL_VARIABLE] ?? '');
}

export async function teardown(): Promise<void> {
  await server?.stop();
}
