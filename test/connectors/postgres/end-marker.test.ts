import { describe, expect, test } from 'vitest';
import { EndMarkerGuard } from '../../../src/connectors/postgres/end-marker.ts';

function check(chunks: readonly string[]): void {
  const guard = new EndMarkerGuard('t');
  for (const chunk of chunks) guard.inspect(Buffer.from(chunk));
  guard.finish();
}

describe.each(['a\n\\.\nb\n', '\\.\nb\n', 'a\r\n\\.\r\nb', 'a\n\\.', '\\.', 'a\r\\.\rb\r'])('%j is found', (text) => {
  test('however it is cut', () => {
    for (let cut = 0; cut <= text.length; cut++) expect(() => check([text.slice(0, cut), text.slice(cut)])).toThrow(expect.objectContaining({ code: 'ROW_INVALID' }));
    expect(() => check(text.split(''))).toThrow('ends the data');
  });
});

describe.each(['a\\.\nb\n', 'a\n\\.b\n', 'a\n"\\."\n', '\\..\n', 'x,\\.\n', '', '\n'])('%j is data', (text) => {
  test('however it is cut', () => {
    for (let cut = 0; cut <= text.length; cut++) expect(() => check([text.slice(0, cut), text.slice(cut)])).not.toThrow();
    expect(() => check(text.split(''))).not.toThrow();
  });
});
