import { it } from 'vitest';
import { connect, loadRows, readRows } from './database-under-test.ts';
import { duckdbConnector } from '../../src/connectors/duckdb/duckdb-connector.ts';
import { exportTable, importFile } from '../../src/index.ts';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
it('x', async () => {
  const never = new AbortController().signal;
  const url = 'duckdb:/tmp/cf/e.duckdb';
  for (const kind of ['integer', 'text']) for (const n of [500, 1100, 2000]) {
  const names = Array.from({ length: n }, (_, i) => `column ${i}`);
  const columns = names.map((name) => ({ name, type: kind === 'text' ? { kind: 'text' } as const : { kind: 'integer', bits: 32 } as const, nullable: true }));
  const rows = [0, 1].map((row) => names.map((_, i) => (i % 5 === row ? null : String(i * 1_000))));
  for (const [mb, jobs] of [[256, 2], [256, 1], [512, 2], [512, 1], [1024, 2]]) {
  rmSync('/tmp/cf/e.duckdb', { force: true });
  const c = await duckdbConnector.connect(url, { signal: never, jobs, create: true, engineMemoryBytes: mb * 1024 * 1024, applicationName: 'x', env: {} });
  try { await loadRows(c, { table: { name: 'wide' }, mode: 'append', columns }, [rows]); console.log(kind, n, mb, jobs, 'loaded'); } catch (e) { console.log(kind, n, mb, jobs, e.message.slice(0, 100)); }
  await c.close();
  }
  }
  const names = Array.from({ length: 1100 }, (_, i) => `column ${i}`);
  writeFileSync('/tmp/cf/wide.csv', names.join(',') + '\n' + (names.map((_, i) => i).join(',') + '\n').repeat(2));
  for (const mb of [256, 512]) {
  rmSync('/tmp/cf/e.duckdb', { force: true });
  try { await importFile({ source: '/tmp/cf/wide.csv', to: url, engineMemoryBytes: mb * 1024 * 1024, workspace: '/tmp/cf/w' }).receipt; console.log('csv', mb, 'imported'); } catch (e) { console.log(mb, e.message); }
  }
}, 100_000);
