/** Names and definitions in every encoding that a database can have, as the server itself writes them. */
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ArchiveText } from '../../../src/backup/pg-dump/archive-text.ts';
import { sharedPostgresUrl } from '../../helpers/postgres-server.ts';

const SAMPLES: Readonly<Record<string, string>> = {
  UTF8: 'Größe €𝄞', LATIN1: 'Größe ñé', LATIN2: 'łódź Šő', LATIN3: 'ĉĝħ ü', LATIN4: 'āčē ž', LATIN5: 'İstanbul ğş', LATIN6: 'áðþ ŋ', LATIN7: 'ąčęė', LATIN8: 'Ŵŷ ẁ', LATIN9: 'œuvre €', LATIN10: 'ășț €',
  ISO_8859_5: 'Привет', ISO_8859_6: 'مرحبا', ISO_8859_7: 'Καλημέρα', ISO_8859_8: 'שלום',
  WIN1250: 'łódź €', WIN1251: 'Привет €', WIN1252: 'œuvre € ñ', WIN1253: 'Καλημέρα', WIN1254: 'İstanbul ğ', WIN1255: 'שלום ₪', WIN1256: 'مرحبا', WIN1257: 'ąčęė', WIN1258: 'ơư ₫', WIN866: 'Привет', WIN874: 'สวัสดี', KOI8R: 'Привет', KOI8U: 'Привіт',
  EUC_JP: '日本語テスト', SJIS: '日本語テスト', EUC_KR: '한국어', UHC: '한국어', EUC_CN: '中文', GBK: '中文 镕', GB18030: '中文 镕', BIG5: '中文',
};

let client: pg.Client;
beforeAll(async () => {
  client = new pg.Client({ connectionString: sharedPostgresUrl() });
  await client.connect();
});
afterAll(() => client.end());

describe('text of an archive', () => {
  it.each(Object.entries(SAMPLES))('in %s', async (encoding, sample) => {
    const { rows } = await client.query<{ bytes: Buffer }>('SELECT convert_to($1, $2) AS bytes', [`public."${sample}"`, encoding]);
    expect(new ArchiveText(encoding, 'x').decode(rows[0].bytes)).toBe(`public."${sample}"`);
  });

  it.each(['EUC_TW', 'EUC_JIS_2004', 'SHIFT_JIS_2004', 'JOHAB', 'MULE_INTERNAL'])('in %s may be ASCII only', (encoding) => {
    const text = new ArchiveText(encoding, 'x');
    expect(text.decode(Buffer.from('public.cities'))).toBe('public.cities');
    expect(() => text.decode(Buffer.from([0x61, 0xa4, 0xa2]))).toThrow(encoding);
  });

  it('in SQL_ASCII is UTF-8, or refused', () => {
    const text = new ArchiveText('SQL_ASCII', 'x');
    expect(text.decode(Buffer.from('Größe'))).toBe('Größe');
    expect(() => text.decode(Buffer.from('Größe', 'latin1'))).toThrow('SQL_ASCII');
  });
});
