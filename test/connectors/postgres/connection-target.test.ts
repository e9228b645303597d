import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { parseUrl, resolveTarget } from '../../../src/connectors/postgres/connection-target.ts';
import { findPassword } from '../../../src/connectors/postgres/password-file.ts';

const EMPTY = { HOME: '/nonexistent' };

describe('parseUrl', () => {
  test.each([
    ['postgres://me:pw@host:6432/db', { user: 'me', password: 'pw', host: 'host', port: '6432', dbname: 'db' }],
    ['postgresql://host', { host: 'host' }],
    ['postgres:///db', { dbname: 'db' }],
    ['postgres:///db?ssl=true', { dbname: 'db', sslmode: 'require' }],
    ['postgres://', {}],
    ['postgres://me@/db?host=/run/pg&port=5', { user: 'me', dbname: 'db', host: '/run/pg', port: '5' }],
    ['postgres://%2Ftmp:5599/db', { host: '/tmp', port: '5599', dbname: 'db' }],
    ['postgres://[::1]:5433/db', { host: '::1', port: '5433', dbname: 'db' }],
    ['postgres://me:p%40%2Fw@host/db', { user: 'me', password: 'p@/w', host: 'host', dbname: 'db' }],
    ['postgres://me:p@w@host/db', { user: 'me', password: 'p@w', host: 'host', dbname: 'db' }],
    ['postgres://h/d?sslmode=require&application_name=a%20b&target_session_attrs=any', { host: 'h', dbname: 'd', sslmode: 'require', application_name: 'a b', target_session_attrs: 'any' }],
  ])('%s', (url, expected) => {
    expect(Object.fromEntries(parseUrl(url))).toEqual(expected);
  });

  test.each([
    ['mysql://host/db', 'USAGE'],
    ['postgres://a,b/db', 'OPTION_UNSUPPORTED'],
    ['postgres://a:1,b:2/db', 'OPTION_UNSUPPORTED'],
    ['postgres://host/db?host=a,b', 'OPTION_UNSUPPORTED'],
    ['postgres://host/db?service=x', 'OPTION_UNSUPPORTED'],
    ['postgres://host/db?channel_binding=require', 'OPTION_UNSUPPORTED'],
    ['postgres://host:port/db', 'USAGE'],
    ['postgres://me:100%@host/db', 'USAGE'],
  ])('%s is refused with %s', (url, code) => {
    expect(() => parseUrl(url)).toThrow(expect.objectContaining({ code }));
  });

  test('no message shows the password', () => {
    for (const url of ['postgres://me:secret%@host', 'postgres://me:secret@host:x/db', 'postgres://me:secret@a,b/db']) {
      expect(() => parseUrl(url)).toThrow(expect.not.objectContaining({ message: expect.stringContaining('secret') as string }));
    }
  });
});

describe('resolveTarget', () => {
  test('takes the URL before the environment, and that before the defaults', async () => {
    const env = { ...EMPTY, PGHOST: 'envhost', PGPORT: '7777', PGUSER: 'envuser', PGDATABASE: 'envdb', PGPASSWORD: 'envpw', PGSSLMODE: 'require', PGCONNECT_TIMEOUT: '7' };
    expect(await resolveTarget('postgres://u@h/d', env, 'app')).toMatchObject({ host: 'h', port: 7777, user: 'u', database: 'd', sslMode: 'require', timeoutSeconds: 7, applicationName: 'app' });
    const bare = await resolveTarget('postgres://', env, 'app');
    expect(bare).toMatchObject({ host: 'envhost', user: 'envuser', database: 'envdb', name: 'postgres://envuser@envhost:7777/envdb' });
    expect(bare.password).toBe('envpw');
    expect(await resolveTarget('postgres://u@h', EMPTY, 'app')).toMatchObject({ database: 'u', port: 5432, sslMode: 'prefer' });
  });

  test('the password is in no print of the target', async () => {
    const target = await resolveTarget('postgres://u:geheim@h/d', EMPTY, 'app');
    expect(JSON.stringify(target) + target.name + target.address).not.toContain('geheim');
    expect(target.password).toBe('geheim');
  });

  test('names sockets and IPv6 addresses so that they can be used as URLs again', async () => {
    expect(await resolveTarget('postgres://u@/d?host=/tmp&port=1', EMPTY, 'app')).toMatchObject({ name: 'postgres://u@/d?host=/tmp&port=1', address: '/tmp/.s.PGSQL.1' });
    expect(await resolveTarget('postgres://u@[::1]/d', EMPTY, 'app')).toMatchObject({ name: 'postgres://u@[::1]:5432/d', address: '[::1]:5432' });
  });

  test.each(['postgres://h/d?sslmode=on', 'postgres://h:0/d', 'postgres://h:99999/d', 'postgres://h/d?connect_timeout=x', 'postgres://h/d?sslrootcert=system&sslmode=require'])('%s is refused', async (url) => {
    await expect(resolveTarget(url, EMPTY, 'app')).rejects.toMatchObject({ code: 'USAGE' });
  });
});

describe('the password file', () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'sluice-pgpass-'));
  });
  afterAll(() => rm(folder, { recursive: true }));

  const question = { host: 'h', port: 5432, database: 'd', user: 'u' };
  test.each([
    ['h:5432:d:u:pw', 'pw'],
    ['*:*:*:*:any', 'any'],
    ['# comment\r\nother:*:*:*:no\r\nh:*:d:*:yes\r\n', 'yes'],
    ['h:5432:d:u:first\nh:5432:d:u:second', 'first'],
    ['h:5432:d:u:with\\:colon\\\\', 'with:colon\\'],
    ['h:5432:d:u:a:b', 'a:b'],
    ['h:5432:d:x:no', undefined],
    ['h:5432:d:\\*:no', undefined],
    ['h:5432:d', undefined],
    ['', undefined],
  ])('%j answers %j', (text, expected) => {
    expect(findPassword(text, question)).toBe(expected);
  });

  test('escapes match names with colons, and a socket is found under localhost', () => {
    expect(findPassword('h:5432:a\\:b:u:pw', { ...question, database: 'a:b' })).toBe('pw');
    expect(findPassword('localhost:5432:d:u:pw', { ...question, host: '/tmp' })).toBe('pw');
  });

  test('is used when nobody else may read it, and named when it is ignored', async () => {
    const path = join(folder, 'pass');
    await writeFile(path, 'h:*:*:*:stored\n', { mode: 0o600 });
    const env = { ...EMPTY, PGPASSFILE: path };
    expect((await resolveTarget('postgres://u@h/d', env, 'app')).password).toBe('stored');
    expect((await resolveTarget('postgres://u:given@h/d', env, 'app')).password).toBe('given');
    expect((await resolveTarget(`postgres://u@h/d?passfile=${path}`, EMPTY, 'app')).password).toBe('stored');
    await chmod(path, 0o644);
    const target = await resolveTarget('postgres://u@h/d', env, 'app');
    expect(target.password).toBeUndefined();
    expect(target.passwordNote).toContain('chmod 600');
  });
});
