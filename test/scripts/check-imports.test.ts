import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { forbiddenImports } from '../../scripts/check-imports.ts';

function check(path: string, text: string): string[] {
  return forbiddenImports([{ path, text }]);
}

test.each([
  ['src/pipeline/run-plan.ts', "import { job } from '../jobs/run-store.ts';", 'pipeline may not import jobs'],
  ['src/formats/csv/reader.ts', "import type { C } from '../../connectors/connector.ts';", 'formats may not import connectors'],
  ['src/connectors/duckdb/read.ts', "import { f } from '../../formats/format.ts';", 'connectors may not import formats'],
  ['src/engine/duckdb.ts', "import { s } from '../io/byte-source.ts';", 'engine may not import io'],
  ['src/errors/sluice-error.ts', "import { row } from '../rows/part.ts';", 'errors may not import rows'],
  ['src/transfer/import.ts', "import { c } from '../config/config.ts';", 'transfer may not import config'],
  ['src/config/config.ts', "import { r } from '../rows/part.ts';", 'config may not import rows'],
  ['src/server/app.ts', "import { c } from '../cli/main.ts';", 'server may not import cli'],
  ['src/backup/create.ts', "import { d } from '../diff/index.ts';", 'backup may not import diff'],
  ['src/rows/part.ts', "export * from '../progress/rate.ts';", 'rows may not import progress'],
  ['src/rows/part.ts', "import {\n  a,\n  b,\n} from '../pipeline/ledger.ts';", 'rows may not import pipeline'],
  ['src/rows/part.ts', "import '../pipeline/ledger.ts';", 'rows may not import pipeline'],
  ['src/rows/part.ts', "const l = await import('../pipeline/ledger.ts');", 'rows may not import pipeline'],
  ['src/rows/part.ts', "import { x } from '../index.ts';", 'index.ts is for the users'],
  ['src/rows/part.ts', "import { x } from '../../test/helpers/a.ts';", 'leaves src/'],
  ['src/util/text.ts', '', 'src/util/ has no layer yet'],
  ['src/util.ts', '', 'only index.ts stands directly in src/'],
])('%s: %s is refused', (path, text, reason) => {
  expect(check(path, text)).toEqual([expect.stringContaining(reason)]);
});

test.each([
  ['src/index.ts', "export * from './cli/main.ts';"],
  ['src/cli/serve.ts', "const { serve } = await import('../server/app.ts');"],
  ['src/cli/main.ts', "import { config } from '../config/config.ts';"],
  ['src/cli/main.ts', "import packageJson from '../../package.json' with { type: 'json' };"],
  ['src/connectors/postgres/read.ts', "import { C } from '../connector.ts';\nimport { s } from '../../io/byte-sink.ts';"],
  ['src/workbench/page.ts', "import { engine } from '../engine/duckdb.ts';"],
  ['src/backup/diff/pages.ts', "import { page } from '../pipeline/page.ts';"],
  ['src/rows/part.ts', "// like import('../pipeline/ledger.ts')\n/**\n * from '../pipeline/ledger.ts'\n */"],
  ['src/rows/part.ts', "import { Client } from 'pg';\nimport fs from 'node:fs';"],
])('%s: %s is allowed', (path, text) => {
  expect(check(path, text)).toEqual([]);
});

test('the message names the line', () => {
  expect(check('src/io/a.ts', "\nimport { x } from '../rows/x.ts';\nimport { p } from '../pipeline/p.ts';")).toEqual([
    "src/io/a.ts:3: '../pipeline/p.ts' is forbidden: io may not import pipeline",
  ]);
});

test('as a command it fails for a tree with a forbidden import, and says which', () => {
  const root = mkdtempSync(join(tmpdir(), 'sluice-imports-'));
  try {
    mkdirSync(join(root, 'src/rows'), { recursive: true });
    writeFileSync(join(root, 'src/rows/part.ts'), "import { run } from '../pipeline/run.ts';\n");
    const script = join(import.meta.dirname, '../../scripts/check-imports.ts');
    const result = spawnSync(process.execPath, [script, root], { encoding: 'utf8' });
    expect(result.stderr).toContain('src/rows/part.ts:1');
    expect(result.status).toBe(1);
  } finally {
    rmSync(root, { recursive: true });
  }
});
