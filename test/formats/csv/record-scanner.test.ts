import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { dialectBytes, type CsvDialect } from '../../../src/formats/csv/dialect.ts';
import { MALFORMED, RecordParser } from '../../../src/formats/csv/record-parser.ts';
import { LINE_END, ODD, RecordScanner } from '../../../src/formats/csv/record-scanner.ts';

const COMMA: CsvDialect = { delimiter: ',', quote: '"', escape: '"', nullText: '', charset: 'utf-8' };
const DIALECTS: readonly CsvDialect[] = [
  COMMA,
  { ...COMMA, escape: '\\' },
  { ...COMMA, quote: '', escape: '' },
  { ...COMMA, delimiter: '::' },
  { ...COMMA, delimiter: '' },
];

function scan(text: string | Buffer, dialect: CsvDialect, cuts: readonly number[] = [], oneColumn = false, offset = 0): RecordScanner {
  const content = Buffer.from(text);
  // At another address: the words that the fast path looks at begin elsewhere.
  const bytes = Buffer.concat([Buffer.alloc(offset), content]).subarray(offset);
  const scanner = new RecordScanner(dialectBytes(dialect), { oneColumn, forbidden: [], maxRecordBytes: Infinity });
  scanner.begin(0);
  const borders = [0, ...cuts.filter((cut) => cut < bytes.length).toSorted((a, b) => a - b), bytes.length];
  for (let i = 1; i < borders.length; i++) {
    const chunk = Buffer.from(bytes.subarray(borders[i - 1], borders[i]));
    scanner.scan(i % 2 === 0 ? chunk : bytes.subarray(borders[i - 1], borders[i]), 0, chunk.length, borders[i - 1]);
  }
  if (!scanner.insideQuotes) scanner.finish(bytes.length);
  return scanner;
}

/** What the parser says of the same bytes; undefined when it refuses them. */
function parsed(text: string | Buffer, dialect: CsvDialect, oneColumn: boolean): { records: number; lines: number } | undefined {
  const parser = new RecordParser(dialectBytes(dialect));
  const bytes = Buffer.from(text);
  const counts = { records: 0, lines: 0 };
  for (let at = 0; at < bytes.length;) {
    at = parser.parse(bytes, at, bytes.length, true);
    if (at === MALFORMED) return undefined;
    if (parser.count > 0 || oneColumn) counts.records++;
    counts.lines += parser.lines;
  }
  return counts;
}

const alphabet = fc.constantFrom('a', 'b', '.', ',', ':', '"', '"', '\\', '\n', '\n', '\r', ' ', 'é', '""', '","', '\r\n', '::', '\n"', '"\n', 'plain,text,');
const pieces = fc.array(alphabet, { maxLength: 60 }).map((parts) => parts.join(''));

describe('the scanner agrees with the parser', () => {
  test.each(DIALECTS.map((dialect, i) => [i, dialect] as const))('on any bytes, cut anywhere (dialect %i)', (_, dialect) => {
    fc.assert(fc.property(pieces, fc.array(fc.nat(80), { maxLength: 6 }), fc.boolean(), (text, cuts, oneColumn) => {
      const expected = parsed(text, dialect, oneColumn);
      if (expected === undefined) return;
      const { records, lines } = scan(text, dialect, cuts, oneColumn);
      expect({ records, lines }).toEqual(expected);
    }), { numRuns: 1500 });
  });

  test('on long regular text, where it goes four bytes at a time', () => {
    const line = fc.array(fc.constantFrom('a', 'bc', ',', 'é', '\\', '.', ' '), { maxLength: 40 }).map((parts) => parts.join(''));
    const text = fc.tuple(fc.array(line, { minLength: 30, maxLength: 200 }), fc.constantFrom('\n', '\r\n', '\r'), fc.boolean())
      .map(([lines, end, last]) => lines.join(end) + (last ? end : ''));
    fc.assert(fc.property(text, fc.array(fc.nat(5000), { maxLength: 4 }), fc.nat(3), (content, cuts, offset) => {
      const { records, lines, recordStart, oddities, lineEnds } = scan(content, COMMA, cuts, false, offset);
      const bytewise = scan(content, COMMA, Array.from({ length: Buffer.byteLength(content) }, (_, i) => i));
      expect({ records, lines, recordStart, oddities, lineEnds })
        .toEqual({ records: bytewise.records, lines: bytewise.lines, recordStart: bytewise.recordStart, oddities: bytewise.oddities, lineEnds: bytewise.lineEnds });
      expect({ records, lines }).toEqual(parsed(content, COMMA, false));
    }), { numRuns: 300 });
  });
});

describe('what a database would read in another way', () => {
  const filler = 'some,ordinary,line\n'.repeat(40);
  test.each([
    ['a quote inside a field', 'a"b,c\n', ODD.quoteInside],
    ['a blank before a quote', 'a, "b"\n', ODD.quoteInside],
    ['text after a quoted field', '"a"b,c\n', ODD.afterQuote],
    ['a blank after a quoted field', '"a" ,c\n', ODD.afterQuote],
    ['an empty line', 'a,b\n\nc,d\n', ODD.emptyLine],
    ['an empty line at the end', 'a,b\n\n', ODD.emptyLine],
    ['an end marker', 'a,b\n\\.\nc,d\n', ODD.endMarker],
    ['an end marker at the end', 'a,b\n\\.', ODD.endMarker],
    ['NUL', 'a,\0\n', ODD.forbiddenByte],
  ])('%s', (_, text, bit) => {
    expect(scan(text, COMMA).oddities).toBe(bit);
    expect(scan(filler + text + filler, COMMA).oddities).toBe(bit);
    for (let cut = 1; cut < text.length; cut++) expect(scan(text, COMMA, [cut]).oddities).toBe(bit);
  });

  test('doubled quotes where the escape is a backslash', () => {
    expect(scan('"a""b",c\n', { ...COMMA, escape: '\\' }).oddities).toBe(ODD.doubledQuote);
    expect(scan(String.raw`"a\"b","c\\"` + '\n', { ...COMMA, escape: '\\' }).oddities).toBe(0);
  });

  test.each([
    ['a\nb\n', LINE_END.lf, true], ['a\r\nb\r\n', LINE_END.crlf, true], ['a\rb\r', LINE_END.cr, true], ['a\r\nb\n', LINE_END.crlf | LINE_END.lf, false],
    ['"x\r\ny"\n', LINE_END.lf, true], ['a\r', LINE_END.cr, true], ['a', 0, true],
  ])('line ends of %j', (text, bits, regular) => {
    const scanner = scan(text, COMMA);
    expect([scanner.lineEnds, scanner.regular]).toEqual([bits, regular]);
  });

  test('nothing in regular text', () => {
    expect(scan(`${filler}"a","b ""c""\n,",\n,"",x\n`, COMMA).regular).toBe(true);
  });
});

test('a record of one column may be an empty line', () => {
  expect(scan('a\n\nb\n', COMMA, [], true)).toMatchObject({ records: 3, oddities: 0 });
});

test('knows where an open quote opened', () => {
  const scanner = scan('a,b\nc,"d\ne,f\n', COMMA);
  expect([scanner.insideQuotes, scanner.quoteStart, scanner.quoteLine]).toEqual([true, 6, 1]);
});
