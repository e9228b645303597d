import fc from 'fast-check';
import { expect, test } from 'vitest';
import { fitIdentifier, qualifiedName, quoteIdentifier, quoteLiteral } from '../../../src/connectors/postgres/sql.ts';
import { copyOptionsSql, takesEncoding } from '../../../src/connectors/postgres/copy-encoding.ts';
import { CANONICAL_CSV } from '../../../src/rows/row-encoding.ts';

test('names and values are quoted', () => {
  expect(quoteIdentifier('a"b')).toBe('"a""b"');
  expect(quoteLiteral("it's \\")).toBe("'it''s \\'");
  expect(qualifiedName({ schema: 'S', name: 't' })).toBe('"S"."t"');
  expect(() => quoteIdentifier('a\0b')).toThrow(expect.objectContaining({ code: 'NUL_BYTE' }));
});

test('names that fit stay, others are cut at a character and told apart', () => {
  fc.assert(fc.property(fc.string({ unit: 'grapheme', maxLength: 100 }), (name) => {
    const fitted = fitIdentifier(name);
    expect(Buffer.byteLength(fitted)).toBeLessThanOrEqual(63);
    if (Buffer.byteLength(name) <= 63) expect(fitted).toBe(name);
    // A character cut in two would come back as U+FFFD, which a name may also hold by itself: what is left must begin the name.
    else expect(name.startsWith(fitted.replace(/_[0-9a-f]{8}$/, ''))).toBe(true);
  }), { examples: [['\ufffd'], ['\ufffd'.repeat(30)]] });
  expect(fitIdentifier('x'.repeat(80))).not.toBe(fitIdentifier('x'.repeat(81)));
  expect(fitIdentifier('é'.repeat(40))).toMatch(/^é+_[0-9a-f]{8}$/);
});

test.each([
  [CANONICAL_CSV, true],
  [{ ...CANONICAL_CSV, quote: '\u0001', escape: '\u0001' }, true],
  [{ ...CANONICAL_CSV, delimiter: '\t', charset: 'windows-1252' as const }, true],
  [{ ...CANONICAL_CSV, delimiter: '"' }, false],
  [{ ...CANONICAL_CSV, delimiter: '||' }, false],
  [{ ...CANONICAL_CSV, delimiter: '§' }, false],
  [{ ...CANONICAL_CSV, delimiter: '\n' }, false],
  [{ ...CANONICAL_CSV, nullText: 'a,b' }, false],
  [{ ...CANONICAL_CSV, nullText: '"' }, false],
  [{ kind: 'file' as const }, false],
  [{ kind: 'copy-text' as const }, true],
  [{ kind: 'copy-binary' as const, types: [] }, true],
  [{ kind: 'copy-binary' as const, types: ['integer'] }, false],
])('%j is taken: %s', (encoding, expected) => {
  expect(takesEncoding(encoding, [])).toBe(expected);
});

test('the options of COPY say the whole dialect', () => {
  expect(copyOptionsSql({ ...CANONICAL_CSV, delimiter: ';', escape: '\\', nullText: 'NULL', charset: 'latin1' }))
    .toBe(`FORMAT csv, DELIMITER ';', QUOTE '"', ESCAPE '\\', NULL 'NULL', ENCODING 'LATIN1'`);
});
