import { describe, expect, it } from 'vitest';
import { parseCharset, parseCompression, parseFormat, parseMode } from '../../src/cli/options/choices.ts';
import { parseColumnType, parseColumnTypes } from '../../src/rows/parse-column-type.ts';
import { parseDelimiter, parseEscape, parseQuote } from '../../src/config/csv-dialect.ts';
import { parseNames, parsePairs } from '../../src/config/lists.ts';
import { typeName } from '../../src/rows/column-type.ts';

const usage = (option: string) => expect.objectContaining({ code: 'USAGE', exitCode: 2, message: expect.stringContaining(option) });

describe('lists of names', () => {
  it.each([
    [['a'], ['a']],
    [['a,b', 'c'], ['a', 'b', 'c']],
    [[' a , b '], ['a', 'b']],
    [['"a,b",c'], ['a,b', 'c']],
    [['"a ""b"""'], ['a "b"']],
    [['" a "'], [' a ']],
    [['schema.table name'], ['schema.table name']],
  ])('%j', (values, names) => {
    expect(parseNames(values, '--key')).toEqual(names);
  });

  it.each([[''], ['a,'], [',a'], ['a,,b'], ['"a'], ['a"b'], ['"a"b'], ['""']])('refuses %j', (value) => {
    expect(() => parseNames([value], '--key')).toThrow(usage('--key'));
  });

  it('is undefined when the option was not given', () => {
    expect(parseNames(undefined, '--key')).toBeUndefined();
  });
});

describe('FROM=TO', () => {
  it.each([
    [['a=b'], { a: 'b' }],
    [['a=b', 'c=d'], { a: 'b', c: 'd' }],
    [['a=b=c'], { a: 'b=c' }],
    [['"a=b"=c'], { 'a=b': 'c' }],
    [['First Name=first_name'], { 'First Name': 'first_name' }],
  ])('%j', (values, pairs) => {
    expect(parsePairs(values, '--map')).toEqual(pairs);
  });

  it('takes names of the prototype for names', () => {
    expect(Object.entries(parsePairs(['__proto__=x', 'constructor=y'], '--map')!)).toEqual([['__proto__', 'x'], ['constructor', 'y']]);
  });

  it.each([['a'], ['=a'], ['a='], ['"=a']])('refuses %j', (value) => {
    expect(() => parsePairs([value], '--map')).toThrow(usage('--map'));
  });

  it('refuses a field that goes to two columns', () => {
    expect(() => parsePairs(['a=b', 'a=c'], '--map')).toThrow(usage('twice'));
  });
});

describe('types', () => {
  it.each([
    ['integer', 'integer'], ['INT', 'integer'], ['bigint', 'bigint'], ['smallint', 'smallint'], ['numeric', 'numeric'],
    ['numeric(10,2)', 'numeric(10,2)'], ['Decimal ( 10 , 2 )', 'numeric(10,2)'], ['numeric(5)', 'numeric(5,0)'],
    ['text', 'text'], ['bool', 'boolean'], ['date', 'date'], ['timestamp', 'timestamp'], ['timestamptz', 'timestamp with time zone'],
    ['timestamp  with time zone', 'timestamp with time zone'], ['uuid', 'uuid'], ['json', 'json'], ['double', 'double precision'],
    ['real', 'real'], ['bytea', 'bytes'], ['time', 'time'], ['interval', 'interval'], ['text[]', 'text[]'], ['numeric(3,1)[][]', 'numeric(3,1)[][]'],
  ])('%s is %s', (text, name) => {
    expect(typeName(parseColumnType(text, '--type'))).toBe(name);
  });

  it.each(['', 'money', 'numeric()', 'numeric(0)', 'numeric(2,3)', 'numeric(1001)', 'toString', '[]'])('refuses %j', (text) => {
    expect(() => parseColumnType(text, '--type')).toThrow(usage('--type'));
  });

  it('belong to columns, whose names may have =', () => {
    expect(parseColumnTypes(['a=b=text', 'c=int'], '--type')).toEqual({ 'a=b': { kind: 'text' }, c: { kind: 'integer', bits: 32 } });
    expect(() => parseColumnTypes(['a'], '--type')).toThrow(usage('--type'));
    expect(() => parseColumnTypes(['a='], '--type')).toThrow(usage('--type'));
    expect(() => parseColumnTypes(['=text'], '--type')).toThrow(usage('--type'));
  });
});

describe('dialect', () => {
  it.each([[',', ','], ['tab', '\t'], ['\\t', '\t'], ['\t', '\t'], ['pipe', '|'], [';', ';'], ['\u0001', '\u0001']])('delimiter %j', (text, char) => {
    expect(parseDelimiter(text)).toBe(char);
  });

  it.each(['', ',,', 'é', '\n', '\r', '\0', '日'])('refuses the delimiter %j', (text) => {
    expect(() => parseDelimiter(text)).toThrow(usage('--delimiter'));
  });

  it('knows dialects without quotes', () => {
    expect(parseQuote('')).toBe('');
    expect(parseQuote('none')).toBe('');
    expect(parseQuote("'")).toBe("'");
    expect(parseEscape('\\')).toBe('\\');
    expect(() => parseEscape('')).toThrow(usage('--escape'));
  });
});

describe('choices', () => {
  it('reads formats, modes and encodings by their usual names', () => {
    expect([parseFormat('CSV'), parseFormat('jsonl'), parseFormat('tsv')]).toEqual(['csv', 'ndjson', 'csv']);
    expect(parseMode('upsert')).toBe('upsert');
    expect([parseCharset('UTF8'), parseCharset('utf-16'), parseCharset('ISO-8859-1'), parseCharset('cp1252')]).toEqual(['utf-8', 'utf-16le', 'latin1', 'windows-1252']);
  });

  it.each(['xml', 'constructor', ''])('refuses %j', (text) => {
    expect(() => parseFormat(text)).toThrow(usage('--format'));
    expect(() => parseMode(text)).toThrow(usage('--mode'));
    expect(() => parseCharset(text)).toThrow(usage('--encoding'));
  });

  it('reads compressions with their levels', () => {
    expect(parseCompression('none', '--compress')).toEqual({ kind: 'none' });
    expect(parseCompression('zstd', '--compress')).toEqual({ kind: 'zstd' });
    expect(parseCompression('zstd:19', '--compress')).toEqual({ kind: 'zstd', level: 19 });
    expect(parseCompression('gzip:9', '--compress')).toEqual({ kind: 'gzip', level: 9 });
  });

  it.each(['gzip:0', 'gzip:10', 'zstd:23', 'zstd:', 'bzip2', 'none:1', 'zstd:-1'])('refuses the compression %s', (text) => {
    expect(() => parseCompression(text, '--compress')).toThrow(usage('--compress'));
  });
});
