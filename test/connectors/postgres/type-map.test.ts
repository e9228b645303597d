import { expect, test } from 'vitest';
import { columnType, declaredType, isPortableInBinary, type TypeFacts } from '../../../src/connectors/postgres/type-map.ts';

function facts(name: string, more: Partial<TypeFacts> = {}): TypeFacts {
  return { name, builtin: true, modifier: -1, declared: name, ...more };
}

test.each([
  [facts('int8'), { kind: 'integer', bits: 64 }],
  [facts('oid'), { kind: 'integer', bits: 64 }],
  [facts('numeric'), { kind: 'numeric' }],
  [facts('numeric', { modifier: (10 << 16) + 2 + 4 }), { kind: 'numeric', precision: 10, scale: 2 }],
  // numeric(3,-2) and numeric(2,4)
  [facts('numeric', { modifier: ((3 << 16) | (-2 & 0x7ff)) + 4 }), { kind: 'numeric' }],
  [facts('numeric', { modifier: ((2 << 16) | 4) + 4 }), { kind: 'numeric' }],
  [facts('bpchar'), { kind: 'text' }],
  [facts('citext', { builtin: false }), { kind: 'text' }],
  [facts('jsonb'), { kind: 'json' }],
  [facts('money'), { kind: 'other', name: 'money' }],
  [facts('text', { builtin: false, declared: 'evil.text' }), { kind: 'other', name: 'evil.text' }],
  [facts('_int4', { element: { name: 'int4', builtin: true }, declared: 'integer[]' }), { kind: 'array', element: { kind: 'integer', bits: 32 } }],
  [facts('_mood', { builtin: false, element: { name: 'mood', builtin: false }, declared: 'public.mood[]' }), { kind: 'array', element: { kind: 'other', name: 'public.mood' } }],
])('%j', (type, expected) => {
  expect(columnType(type)).toEqual(expected);
});

test.each([
  [{ kind: 'integer', bits: 16 }, 'smallint'],
  [{ kind: 'numeric', precision: 38, scale: 9 }, 'numeric(38,9)'],
  [{ kind: 'numeric', precision: 5000 }, 'numeric'],
  [{ kind: 'json' }, 'json'],
  [{ kind: 'other', name: 'struct(a int)' }, 'text'],
  [{ kind: 'array', element: { kind: 'array', element: { kind: 'float', bits: 32 } } }, 'real[]'],
  [{ kind: 'timestamp', zone: true }, 'timestamp with time zone'],
] as const)('%j is declared %s', (type, expected) => {
  expect(declaredType(type)).toBe(expected);
});

test('the binary form is taken only where it means the same everywhere', () => {
  expect(isPortableInBinary(facts('numeric'))).toBe(true);
  expect(isPortableInBinary(facts('_int4', { element: { name: 'int4', builtin: true } }))).toBe(true);
  for (const type of ['money', 'interval']) expect(isPortableInBinary(facts(type))).toBe(false);
  expect(isPortableInBinary(facts('regclass'))).toBe(false);
  expect(isPortableInBinary(facts('vector', { builtin: false }))).toBe(false);
  expect(isPortableInBinary(facts('vector', { builtin: false, extension: 'vector' }))).toBe(true);
  expect(isPortableInBinary(facts('_vector', { builtin: false, extension: 'vector', element: { name: 'vector', builtin: false } }))).toBe(false);
  expect(isPortableInBinary(facts('_mood', { element: { name: 'mood', builtin: false } }))).toBe(false);
});
