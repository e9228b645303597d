import { expect, test } from 'vitest';
import { loadFormat } from '../../src/formats/registry.ts';
import type { FormatName } from '../../src/formats/format.ts';
import { hugeSource } from '../helpers/huge-source.ts';

/** Positions that neither 31 nor 32 bits hold; nothing may pass them through an operator that takes 32 bits. */
const SIZES = [2 ** 31 + 12_345, 2 ** 32 + 12_345, 12 * 2 ** 30];

const CASES: [FormatName, string, string][] = [
  ['csv', 'id,name\n', '1,"a, b"\n'],
  ['ndjson', '', '{"id":1,"name":"a"}\n'],
  ['json', '[\n', '{"id":1,"name":"a"},\n'],
  ['sql', 'CREATE TABLE t (id integer, name text);\n', "INSERT INTO t VALUES (1, 'a');\n"],
];

for (const [name, head, line] of CASES) {
  test.each(SIZES)(`${name}: a source of %d bytes is inspected`, async (size) => {
    const source = hugeSource(`rows.${name}`, head, line, size);
    const format = await loadFormat(name);
    const inspected = await format.inspect(source, {}, 'sample', new AbortController().signal);
    expect(inspected.tables[0].columns.map((column) => column.name)).toEqual(['id', 'name']);
  });
}
