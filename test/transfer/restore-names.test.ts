import { describe, expect, it } from 'vitest';
import type { TableName, TableSchema } from '../../src/rows/table-schema.ts';
import { displayName } from '../../src/rows/table-schema.ts';
import { findTable, nameOfNew, singular } from '../../src/transfer/restore-names.ts';

const table = (name: string, schema?: string): TableSchema => ({ name, ...(schema === undefined ? {} : { schema }), columns: [], primaryKey: [], indexes: [] });
const find = (wanted: TableName | string, ...tables: TableSchema[]): string | undefined => {
  const found = findTable(typeof wanted === 'string' ? { name: wanted } : wanted, tables, 'source');
  return found === undefined ? undefined : displayName(found);
};

describe('the table that a name means', () => {
  it.each([
    ['users', 'users'], ['Users', 'users'], ['USERS', 'users'], ['UserAccounts', 'user_accounts'], ['userAccounts', 'user_accounts'], ['UserAccount', 'user_accounts'],
    ['user_accounts', 'user_account'], ['Category', 'categories'], ['categories', 'category'], ['Address', 'addresses'], ['addresses', 'address'], ['boxes', 'box'],
    ['Person', 'people'], ['order-items', 'order_items'], ['OrderItem', 'order_items'], ['Status', 'statuses'], ['users', 'Users'], ['user', 'Users'], ['Movies', 'movie'],
  ])('%s is %s', (name, expected) => expect(find(name, table(expected), table('other'))).toBe(expected));

  it('is the nearest form', () => {
    expect(find('user', table('users'), table('user'))).toBe('user');
    expect(find('USERS', table('user'), table('users'))).toBe('users');
    expect(find('users', table('Users'), table('users'))).toBe('users');
  });

  it('is not guessed', () => {
    expect(() => find('users', table('Users'), table('USERS'))).toThrow(expect.objectContaining({ code: 'TABLE_AMBIGUOUS', message: expect.stringContaining('Users, USERS') }));
    expect(() => find('users', table('users', 'a'), table('users', 'b'))).toThrow(expect.objectContaining({ code: 'TABLE_AMBIGUOUS', message: expect.stringContaining('a.users, b.users') }));
    expect(find('user_accountings', table('user_accounts'))).toBeUndefined();
  });

  it('may have the number of a part', () => {
    expect(find('Users.1', table('users'))).toBe('users');
    expect(find('user-part-02', table('users'))).toBe('users');
    expect(find('public.users_3', table('users'))).toBe('users');
    expect(find('users.1', table('users'), table('users.1'))).toBe('users.1');
    expect(nameOfNew({ name: 'users.1' }, [])).toEqual({ name: 'users.1' });
  });

  it('may name its schema', () => {
    const tables = [table('users'), table('users', 'audit'), table('log', 'audit')];
    expect(find('public.users', ...tables)).toBe('users');
    expect(find('users', ...tables)).toBe('users');
    expect(find('audit.users', ...tables)).toBe('audit.users');
    expect(find('audit.Log', ...tables)).toBe('audit.log');
    expect(find('log', ...tables)).toBe('audit.log');
    expect(find({ schema: 'audit', name: 'users' }, ...tables)).toBe('audit.users');
    // A database of another kind calls itself a schema.
    expect(find({ schema: 'mydb', name: 'users' }, ...tables)).toBe('users');
    expect(find('public.users', table('public.users'), table('users'))).toBe('public.users');
  });

  it('is new where there is none', () => {
    const tables = [table('log', 'audit')];
    expect(nameOfNew({ name: 'public.users' }, tables)).toEqual({ schema: 'public', name: 'users' });
    expect(nameOfNew({ name: 'audit.users' }, tables)).toEqual({ schema: 'audit', name: 'users' });
    expect(nameOfNew({ name: 'sales.2024' }, tables)).toEqual({ name: 'sales.2024' });
    expect(nameOfNew({ schema: 's', name: 't' }, tables)).toEqual({ schema: 's', name: 't' });
  });

  it('knows words that end in s', () => {
    expect(['status', 'address', 'analysis', 'news', 'order_items', 'is'].map(singular)).toEqual(['status', 'address', 'analysis', 'news', 'order_item', 'is']);
  });
});
