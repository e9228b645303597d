import { describe, expect, test } from 'vitest';
import { EndMarkerWatch } from '../../../src/connectors/postgres/end-marker.ts';

function isSeen(chunks: readonly string[]): boolean {
  const watch = new EndMarkerWatch();
  for (const chunk of chunks) watch.inspect(Buffer.from(chunk));
  watch.finish();
  return watch.seen;
}

describe.each([
  ['a\n\\.\nb\n', true],
  ['\\.\nb\n', true],
  ['a\r\n\\.\r\nb', true],
  ['a\n\\.', true],
  ['\\.', true],
  ['a\r\\.\rb\r', true],
  ['"a\n\\.\nb"\n', true],
  ['a\\.\nb\n', false],
  ['a\n\\.b\n', false],
  ['a\n"\\."\n', false],
  ['\\..\n', false],
  ['x,\\.\n', false],
  ['', false],
  ['\n', false],
])('%j', (text, expected) => {
  test(`is ${expected ? '' : 'not '}seen, however it is cut`, () => {
    for (let cut = 0; cut <= text.length; cut++) expect(isSeen([text.slice(0, cut), text.slice(cut)])).toBe(expected);
    expect(isSeen(text.split(''))).toBe(expected);
  });
});
