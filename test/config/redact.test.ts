import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { redactData, redactText } from '../../src/config/redact.ts';

describe('redactText', () => {
  it.each([
    ['postgres://me:secret@host:5432/db', 'postgres://me@host:5432/db'],
    ['postgres://:secret@host/db', 'postgres://host/db'],
    ['postgres://me:p@ss:w@host/db', 'postgres://me@host/db'],
    ['postgres://host/db?user=me&password=secret&sslmode=require', 'postgres://host/db?user=me&password=***&sslmode=require'],
    ['https://data.example/x.csv?token=abc&part=1', 'https://data.example/x.csv?token=***&part=1'],
    ['https://b.s3.example/k?X-Amz-Credential=a&X-Amz-Signature=b', 'https://b.s3.example/k?X-Amz-Credential=***&X-Amz-Signature=***'],
    ['cannot connect to postgres://a:b@h/x and https://c:d@h/y', 'cannot connect to postgres://a@h/x and https://c@h/y'],
    ["host=h password='a b\\' c' dbname=d", 'host=h password=*** dbname=d'],
    ['host=h password=secret dbname=d', 'host=h password=*** dbname=d'],
  ])('%s', (text, redacted) => {
    expect(redactText(text)).toBe(redacted);
  });

  it.each(['postgres://me@host/db', 'duckdb:a@b.duckdb', 'me@example.org', 'SELECT password FROM users', 'a?monkey=1'])('leaves %s alone', (text) => {
    expect(redactText(text)).toBe(text);
  });

  it('removes every password of a URL, whatever it is made of', () => {
    const password = fc.stringMatching(/^[A-Za-z0-9!$%&()*+,;=@:._~^{}|[\]\\-]{8,30}$/);
    fc.assert(fc.property(password, (secret) => {
      expect(redactText(`failed: postgres://me:${secret}@host/db.`)).toBe('failed: postgres://me@host/db.');
    }));
  });

  it('takes linear time on hostile text', () => {
    const text = `${'a.'.repeat(100_000)}://${':'.repeat(100_000)}`;
    expect(redactText(text)).toBe(text);
  });
});

describe('redactData', () => {
  it('goes through arrays and objects and hides what its key calls secret', () => {
    expect(redactData({
      from: ['postgres://me:pw@h/d'],
      password: 'pw',
      nested: { api_key: 'k', key: ['id'], s3Secret: 'visible name rules are about words', session_token: 't' },
      count: 3,
      none: null,
    })).toEqual({
      from: ['postgres://me@h/d'],
      password: '***',
      nested: { api_key: '***', key: ['id'], s3Secret: 'visible name rules are about words', session_token: '***' },
      count: 3,
      none: null,
    });
  });

  it('keeps fields that are called like parts of the prototype', () => {
    const data = JSON.parse('{"__proto__":{"a":"postgres://u:p@h/d"},"constructor":1}') as unknown;
    expect(JSON.stringify(redactData(data))).toBe('{"__proto__":{"a":"postgres://u@h/d"},"constructor":1}');
  });
});
