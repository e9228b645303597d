/** The workspace's own database, as the API names it. */
export const EMBEDDED = 'duckdb';

export function connectionTitle(name: string): string {
  return name === EMBEDDED ? 'Embedded database' : name;
}
