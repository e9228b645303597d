import pg from 'pg';
import { TABLES, TABLES_BEFORE } from './source-files.ts';
import type { Target } from './target.ts';

export class PostgresTarget implements Target {
  readonly env = {};
  readonly url: string;
  readonly #direct: string;

  /** @param url through which Sluice connects; @param direct for our own questions */
  constructor(url: string, direct: string) {
    this.url = url;
    this.#direct = direct;
  }

  async reset(): Promise<void> {
    await this.#ask(`DROP SCHEMA public CASCADE; CREATE SCHEMA public; ${TABLES_BEFORE}`);
  }

  async contents(): Promise<string> {
    const each = TABLES.map((table) => `SELECT '${table} ' || count(*) || ' ' || coalesce(md5(string_agg(t::text, E'\\n' ORDER BY t::text)), '') FROM ${table} AS t`);
    return (await this.#ask(each.join(' UNION ALL '))).join(', ');
  }

  leftovers(): Promise<string[]> {
    return this.#ask("SELECT relname FROM pg_class WHERE relname LIKE 'sluice\\_%' AND relkind IN ('r', 'S')");
  }

  async #ask(sql: string): Promise<string[]> {
    const client = new pg.Client({ connectionString: this.#direct });
    await client.connect();
    try {
      const result = await client.query<string[]>({ text: sql, rowMode: 'array' });
      return (result.rows ?? []).map(([value]) => value);
    } finally {
      await client.end();
    }
  }
}
