import { describe, expect, it } from 'vitest';
import { interpolate } from '../../src/config/interpolate.ts';
import { resolveConnection, type ConnectionScope } from '../../src/config/resolve-connection.ts';

const scope: ConnectionScope = {
  configuration: {
    settings: {
      connections: {
        shop: 'postgres://app:${SHOP_PASSWORD}@db/shop',
        one: 'postgres://db/shop#public.orders',
        file: 'duckdb:data/a.duckdb',
        absolute: 'duckdb:/data/a.duckdb',
        memory: 'duckdb::memory:',
        path: 'data/b.duckdb',
        own: 'duckdb',
        bad: 'nonsense:${SHOP_PASSWORD}',
        worse: 'user:${SHOP_PASSWORD}@host/db',
      },
    },
    file: '/etc/x/sluice.config.json',
    folder: '/etc/x',
  },
  env: { SHOP_PASSWORD: 'pw' },
  workspace: '/home/me/.sluice',
};

describe('resolveConnection', () => {
  it.each([
    ['postgres://u:secret@h/d#t', 'postgres://u@h/d'],
    ['shop#orders', 'shop'],
    ['x.duckdb', `duckdb:${process.cwd()}/x.duckdb`],
  ])('%s is asked for again as %s, wherever that is', (text, reference) => {
    const again = resolveConnection(text, scope).reference;
    expect(again).not.toContain('secret');
    expect(again.replace(/:\*+@/, '@')).toBe(reference);
  });

  it.each([
    ['postgres://u:p@h:5432/d?sslmode=require', { url: 'postgres://u:p@h:5432/d?sslmode=require' }],
    ['postgres://h/d#public.orders', { url: 'postgres://h/d', table: 'public.orders' }],
    ['duckdb:x.duckdb', { url: 'duckdb:x.duckdb' }],
    ['x.duckdb', { url: 'duckdb:x.duckdb' }],
    ['a/b/x.DB#t', { url: 'duckdb:a/b/x.DB', table: 't' }],
    ['duckdb', { url: 'duckdb:/home/me/.sluice/data.duckdb' }],
    ['duckdb#main.t', { url: 'duckdb:/home/me/.sluice/data.duckdb', table: 'main.t' }],
    ['shop', { url: 'postgres://app:pw@db/shop' }],
    ['shop#orders', { url: 'postgres://app:pw@db/shop', table: 'orders' }],
    ['one', { url: 'postgres://db/shop', table: 'public.orders' }],
    ['one#other', { url: 'postgres://db/shop', table: 'other' }],
    ['file', { url: 'duckdb:/etc/x/data/a.duckdb' }],
    ['absolute', { url: 'duckdb:/data/a.duckdb' }],
    ['memory', { url: 'duckdb::memory:' }],
    ['path', { url: 'duckdb:/etc/x/data/b.duckdb' }],
    ['own', { url: 'duckdb:/home/me/.sluice/data.duckdb' }],
    ['shop#public.a%23b%20c', { url: 'postgres://app:pw@db/shop', table: 'public.a#b c' }],
  ])('%s', (text, resolved) => {
    expect(resolveConnection(text, scope)).toMatchObject(resolved);
    expect(resolveConnection(text, scope).table).toBe('table' in resolved ? resolved.table : undefined);
  });

  it.each(['nothing', '', 'toString', '__proto__', 'cities.csv'])('does not know %j', (text) => {
    expect(() => resolveConnection(text, scope)).toThrow(expect.objectContaining({ code: 'CONNECTION_UNKNOWN', exitCode: 2 }));
  });

  it.each(['duckdb#', 'duckdb#%', 'postgres://u:pa#ss@h/d'])('refuses %s', (text) => {
    expect(() => resolveConnection(text, scope)).toThrow(expect.objectContaining({ code: 'USAGE' }));
  });

  it('does not print what follows a # that belongs to a password', () => {
    expect(() => resolveConnection('postgres://u:pa#ss@h/d', scope)).toThrow(expect.not.objectContaining({ message: expect.stringContaining('ss@') }));
  });

  it('says which variable is missing, and only when its connection is used', () => {
    const bare = { ...scope, env: {} };
    expect(resolveConnection('file', bare)).toMatchObject({ url: 'duckdb:/etc/x/data/a.duckdb' });
    expect(() => resolveConnection('shop', bare)).toThrow(expect.objectContaining({ code: 'VARIABLE_UNSET', facts: { variable: 'SHOP_PASSWORD', where: 'connections.shop' } }));
  });
});

describe('interpolate', () => {
  it.each([
    ['${A}', 'x'], ['a${A}b${B}', 'axb'], ['$${A}', '${A}'], ['$A', '$A'], ['${A', '${A'], ['$$${A}', '$${A}'],
  ])('%s', (text, result) => {
    expect(interpolate(text, { A: 'x', B: '' }, 'here')).toBe(result);
  });

  it('does not interpret the value', () => {
    expect(interpolate('${A}', { A: '$& ${B}' }, 'here')).toBe('$& ${B}');
  });
});
