import { copyFileSync, mkdirSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { DuckDBInstance } from '@duckdb/node-api';
import { TABLES, TABLES_BEFORE } from './source-files.ts';
import type { Target } from './target.ts';

export class DuckdbTarget implements Target {
  readonly env = { SLUICE_KILL_ENGINE: '1' };
  readonly #folder: string;
  readonly #path: string;
  readonly #template: string;

  private constructor(folder: string) {
    this.#folder = join(folder, 'duckdb');
    mkdirSync(this.#folder);
    this.#path = join(this.#folder, 'target.duckdb');
    this.#template = join(folder, 'template.duckdb');
  }

  static async open(folder: string): Promise<DuckdbTarget> {
    const target = new DuckdbTarget(folder);
    rmSync(target.#template, { force: true });
    await ask(target.#template, TABLES_BEFORE);
    return target;
  }

  get url(): string {
    return `duckdb:${this.#path}`;
  }

  async reset(): Promise<void> {
    rmSync(`${this.#path}.wal`, { force: true });
    copyFileSync(this.#template, this.#path);
  }

  async contents(): Promise<string> {
    const each = TABLES.map((table) => `SELECT '${table} ' || count(*) || ' ' || coalesce(md5(string_agg(CAST(t AS VARCHAR), chr(10) ORDER BY CAST(t AS VARCHAR))), '') FROM ${table} AS t`);
    return (await ask(this.#path, each.join(' UNION ALL '))).toSorted().join(', ');
  }

  async leftovers(): Promise<string[]> {
    const files = readdirSync(this.#folder).filter((name) => name !== 'target.duckdb');
    return files.concat(await ask(this.#path, "SELECT table_name FROM duckdb_tables() WHERE table_name LIKE 'sluice\\_%' ESCAPE '\\'"));
  }
}

async function ask(path: string, sql: string): Promise<string[]> {
  const instance = await DuckDBInstance.create(path);
  try {
    const connection = await instance.connect();
    const rows = (await connection.runAndReadAll(sql)).getRowsJson();
    connection.closeSync();
    return rows.map(([value]) => value as string);
  } finally {
    instance.closeSync();
  }
}
