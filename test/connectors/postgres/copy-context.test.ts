import { expect, test } from 'vitest';
import { readCopyContext } from '../../../src/connectors/postgres/copy-context.ts';

const COLUMNS = ['a', 'a: b', 'größe', 'ab'];

test.each([
  ['COPY t, line 3, column a: "x"', 3, 'a'],
  ['COPY t, line 3, column a: b: "x"', 3, 'a: b'],
  ['COPY t, line 12, column größe: null input', 12, 'größe'],
  ['COPY t, line 7', 7, undefined],
  ['COPY t, line 7: "1,2,3, column a: x"', 7, undefined],
  ['COPY t, line 9, column a', 9, 'a'],
  ['COPY my table, line 4, column ab: "multi\nline, line 9"', 4, 'ab'],
  ['COPY t, Zeile 3, Spalte a: »x«', 3, 'a'],
  ['COPY t, ligne 3, colonne a : « x »', 3, 'a'],
  ['COPY t, línea 3, columna ab: «x»', 3, 'ab'],
  ['COPY t, строка 3, столбец a: "x"', 3, 'a'],
  ['JSON data, line 1: x\nCOPY t, line 5, column ab: "x"', 5, 'ab'],
  ['tのCOPY 3行目: "x"', 3, undefined],
  ['PL/pgSQL function f() line 3 at RAISE', undefined, undefined],
  ['', undefined, undefined],
  [undefined, undefined, undefined],
])('%j', (where, line, column) => {
  expect(readCopyContext(where, COLUMNS)).toEqual({ ...(line !== undefined && { line }), ...(column !== undefined && { column }) });
});
