import { describe, expect, test } from 'vitest';
import { dialectBytes, type CsvDialect } from '../../../src/formats/csv/dialect.ts';
import { INCOMPLETE, MALFORMED, RecordParser } from '../../../src/formats/csv/record-parser.ts';

function parserOf(dialect: Partial<CsvDialect> = {}): RecordParser {
  return new RecordParser(dialectBytes({ delimiter: ',', quote: '"', escape: dialect.quote ?? '"', nullText: '', charset: 'utf-8', ...dialect }));
}

/** All records; null for NULL, 'blank' for an empty line. */
function parseAll(text: string, dialect: Partial<CsvDialect> = {}): unknown[] {
  const parser = parserOf(dialect);
  const bytes = Buffer.from(text);
  const records: unknown[] = [];
  for (let at = 0; at < bytes.length;) {
    at = parser.parse(bytes, at, bytes.length, true);
    if (at === MALFORMED) return [...records, { problem: parser.problem, at: parser.problemAt }];
    records.push(parser.count === 0 ? 'blank' : fieldsOf(parser, bytes));
  }
  return records;
}

function fieldsOf(parser: RecordParser, bytes: Buffer): (string | null)[] {
  return Array.from({ length: parser.count }, (_, i) => {
    if (parser.isNull(i, bytes)) return null;
    const out = Buffer.alloc(parser.ends[i] - parser.starts[i]);
    return out.toString('utf8', 0, parser.copyText(i, bytes, out, 0));
  });
}

describe('records', () => {
  test.each([
    ['a,b\n1,2\n', [['a', 'b'], ['1', '2']]],
    ['a,b\r\n1,2\r3,4', [['a', 'b'], ['1', '2'], ['3', '4']]],
    ['a,,""\n', [['a', null, '']]],
    [',\n', [[null, null]]],
    ['a,', [['a', null]]],
    ['a,"', [{ problem: 'a quoted field that opens here is never closed', at: 2 }]],
    ['"a""b","c\nd","e,f"\n', [['a"b', 'c\nd', 'e,f']]],
    ['""""\n"a"', [['"'], ['a']]],
    ['a"b,c"d"\n', [['a"b', 'c"d"']]],
    ['a, "b"\n', [['a', ' "b"']]],
    ['"a" ,b\n"a""b"\t\n', [['a ', 'b'], ['a"b\t']]],
    ['"a"b,c\n', [{ problem: 'text after the closing quote of a field', at: 3 }]],
    ['\n\r\na\n', ['blank', 'blank', ['a']]],
    ['"a\\"b"\n', [{ problem: 'text after the closing quote of a field', at: 4 }]],
  ])('%j', (text, expected) => {
    expect(parseAll(text)).toEqual(expected);
  });

  test('with backslash escapes: the quote and itself only, and doubled quotes as well', () => {
    expect(parseAll(String.raw`"a\"b","c\\","d\n",e\"f,"g""h"`, { escape: '\\' })).toEqual([['a"b', 'c\\', 'd\\n', 'e\\"f', 'g"h']]);
  });

  test('without quotes, and without delimiter', () => {
    expect(parseAll('"a",b\n', { quote: '' })).toEqual([['"a"', 'b']]);
    expect(parseAll('a,b\n"c"\n', { delimiter: '', quote: '' })).toEqual([['a,b'], ['"c"']]);
  });

  test('with a delimiter of several bytes', () => {
    expect(parseAll('a::b:c::"d::e"::\n:::f', { delimiter: '::' })).toEqual([['a', 'b:c', 'd::e', null], [null, ':f']]);
  });

  test('with a null text: unquoted only', () => {
    expect(parseAll('NA,"NA",,x\n', { nullText: 'NA' })).toEqual([[null, 'NA', '', 'x']]);
  });

  test('of many fields', () => {
    const wide = Array.from({ length: 9074 }, (_, i) => `f${i}`);
    expect(parseAll(wide.join(','))).toEqual([wide]);
    expect(parseAll(wide.map((field) => `"${field}"`).join('::'), { delimiter: '::' })).toEqual([wide]);
  });

  test('count their line ends', () => {
    const parser = parserOf();
    const bytes = Buffer.from('"a\nb\r\nc\rd",x\r\n');
    parser.parse(bytes, 0, bytes.length, true);
    expect(parser.lines).toBe(4);
  });
});

test.each([
  ['a,"b ""c""\r\nd" ,e\r\nf', {}],
  ['a::"b::c"::d\r\nf', { delimiter: '::' }],
  [String.raw`"a\"b","c\\",d` + '\r\nf', { escape: '\\' }],
])('a record cut at any byte is incomplete, never another record: %j', (text, dialect) => {
  const parser = parserOf(dialect);
  const bytes = Buffer.from(text);
  const whole = parser.parse(bytes, 0, bytes.length, false);
  const expected = fieldsOf(parser, bytes);
  expect(whole).toBe(bytes.length - 1);
  for (let to = 1; to < whole; to++) expect(parser.parse(bytes, 0, to, false)).toBe(INCOMPLETE);
  for (let to = whole; to <= bytes.length; to++) {
    expect(parser.parse(bytes, 0, to, false)).toBe(whole);
    expect(fieldsOf(parser, bytes)).toEqual(expected);
  }
});
