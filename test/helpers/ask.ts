import pg from 'pg';

/** The rows of the last statement, every value as the server writes it. */
export async function ask(url: string, sql: string): Promise<string[][]> {
  const client = new pg.Client({ connectionString: url, types: { getTypeParser: () => (text: unknown) => text } });
  await client.connect();
  try {
    const result = await client.query<string[]>({ text: sql, rowMode: 'array' });
    return (Array.isArray(result) ? result.at(-1) : result).rows;
  } finally {
    await client.end();
  }
}
