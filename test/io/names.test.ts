import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  cutToBytes,
  extensionOfMediaType,
  fileNameFor,
  fileNameOfDisposition,
  fileNameOfUrl,
  hasGlobCharacters,
  isHttpUrl,
  isUrl,
  redactUrl,
  splitName,
} from '../../src/io/names.ts';

describe('splitName', () => {
  test.each([
    ['data/a.b.csv.gz', 'a.b', 'csv', 'gzip'],
    ['cities.json', 'cities', 'json', 'none'],
    ['CITIES.CSV.ZST', 'CITIES', 'csv', 'zstd'],
    ['cities', 'cities', '', 'none'],
    ['cities.gz', 'cities', '', 'gzip'],
    ['csv.gz', 'csv', '', 'gzip'],
    ['sales.2024', 'sales.2024', '', 'none'],
    ['sales.2024.csv', 'sales.2024', 'csv', 'none'],
    ['.csv', '.csv', '', 'none'],
    ['.hidden.csv', '.hidden', 'csv', 'none'],
    ['all.zip', 'all', 'zip', 'none'],
    ['all.tar.gz', 'all', 'tar', 'gzip'],
    ['folder.d/plain', 'plain', '', 'none'],
    ['trailing.', 'trailing.', '', 'none'],
    ['with space.tsv', 'with space', 'tsv', 'none'],
    ['größe.csv', 'größe', 'csv', 'none'],
  ])('%s', (path, stem, extension, compression) => {
    expect(splitName(path)).toEqual({ stem, extension, compression });
  });

  test('the parts of any name make the name again', () => {
    fc.assert(
      fc.property(fc.stringMatching(/^[a-z.]{1,12}$/), fc.constantFrom('', '.csv', '.json'), fc.constantFrom('', '.gz', '.zst'), (base, ending, outer) => {
        const { stem, extension, compression } = splitName(base + ending + outer);
        const suffix = { none: '', gzip: '.gz', zstd: '.zst' }[compression];
        expect(stem + (extension === '' ? '' : `.${extension}`) + suffix).toBe(base + ending + outer);
      }),
    );
  });
});

describe('URLs', () => {
  test('a URL is shown without user, password, query and fragment', () => {
    expect(redactUrl('https://user:secret@host:8443/a/b.csv?X-Signature=secret#secret')).toBe('https://host:8443/a/b.csv');
    expect(redactUrl('https://user:secret@ho st/a?secret')).not.toContain('secret');
  });

  test('what is a URL', () => {
    expect(isUrl('s3://bucket/key')).toBe(true);
    expect(isUrl('folder/file:x.csv')).toBe(false);
    expect(isHttpUrl('HTTPS://host/')).toBe(true);
    expect(isHttpUrl('ftp://host/')).toBe(false);
  });

  test('the name in a URL is decoded and cannot leave its folder', () => {
    expect(fileNameOfUrl(new URL('https://host/a/my%20cities.csv?x=1'))).toBe('my cities.csv');
    expect(fileNameOfUrl(new URL('https://host/a/..%2F..%2Fetc%2Fpasswd'))).toBe('passwd');
    expect(fileNameOfUrl(new URL('https://host/a/%E0%A4%A'))).toBe('%E0%A4%A');
    expect(fileNameOfUrl(new URL('https://host/'))).toBe('');
  });

  test.each([
    ['attachment; filename="cities.csv"', 'cities.csv'],
    ['attachment; filename=cities.csv', 'cities.csv'],
    ['attachment; filename="a \\"b\\".csv"', 'a "b".csv'],
    ["attachment; filename=\"x.csv\"; filename*=UTF-8''st%C3%A4dte.csv", 'städte.csv'],
    ['attachment; filename="../../etc/passwd"', 'passwd'],
    ['attachment; filename="C:\\\\data\\\\x.csv"', 'x.csv'],
    ['inline', undefined],
    [undefined, undefined],
  ])('Content-Disposition %s', (header, name) => {
    expect(fileNameOfDisposition(header)).toBe(name);
  });

  test('media types', () => {
    expect(extensionOfMediaType('text/csv; charset=utf-8')).toBe('csv');
    expect(extensionOfMediaType('Application/X-NDJSON')).toBe('ndjson');
    expect(extensionOfMediaType('application/vnd.apache.parquet')).toBe('parquet');
    expect(extensionOfMediaType('application/octet-stream')).toBe('');
    expect(extensionOfMediaType(undefined)).toBe('');
  });
});

describe('file names for tables', () => {
  test('what cannot be in a file name is encoded', () => {
    expect(fileNameFor('public.cities', '.csv')).toBe('public.cities.csv');
    expect(fileNameFor('../x', '.csv')).toBe('%2E.%2Fx.csv');
    expect(fileNameFor('a\u0000b%c', '.csv')).toBe('a%00b%25c.csv');
    expect(fileNameFor('', '.csv')).toBe('%00.csv');
  });

  test('any name stays in its folder and within the limit of file systems', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 400 }), (table) => {
        const name = fileNameFor(table, '.csv');
        expect(name.includes('/') || name.includes('\0')).toBe(false);
        expect(name.startsWith('.')).toBe(false);
        expect(Buffer.byteLength(name)).toBeLessThanOrEqual(204);
      }),
    );
  });

  test('a text is not cut inside a character', () => {
    expect(cutToBytes('aé', 2)).toBe('a');
    expect(cutToBytes('aé', 3)).toBe('aé');
    expect(cutToBytes('😀', 3)).toBe('');
  });
});

test('glob characters', () => {
  expect(['a*', 'a?', '[a]', '{a,b}'].every(hasGlobCharacters)).toBe(true);
  expect(hasGlobCharacters('a-b_c.csv')).toBe(false);
});
