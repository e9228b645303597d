/**
 * The 24 related tables of the restore benchmark, as an application has them: their columns, and the values of any row by its number alone, so that rows need no memory and are
 * the same in every format. References lead only to rows 1..count of the parent.
 */

/** A number as its digits, which a double would not hold. */
export interface Digits { readonly digits: string }
/** A JSON value, also written as text in CSV. */
export interface Json { readonly json: unknown }
export type Value = string | number | boolean | null | Digits | Json | readonly (string | number)[];

export interface BackupTable {
  readonly name: string;
  /** Name of its file: a model's name. */
  readonly file: string;
  /** Rows per thousand of all. */
  readonly share: number;
  /** Name and definition in SQL. */
  readonly columns: readonly (readonly [name: string, definition: string])[];
  /** Table constraints and what comes after the table. */
  readonly constraints?: readonly string[];
  /** Made when all tables are there. */
  readonly after?: readonly string[];
  /** The values of row `i` (from 1), in the order of the columns. */
  row(i: number, random: Random, counts: Counts): Value[];
}

export type Counts = Readonly<Record<string, number>>;

/** Numbers that depend on nothing but their seed (mulberry32). */
export class Random {
  #state: number;

  constructor(seed: number) {
    this.#state = seed >>> 0;
  }

  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let t = this.#state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  }

  /** From 1. */
  upTo(limit: number): number {
    return 1 + Math.floor(this.next() * limit);
  }

  of<T>(choices: readonly T[]): T {
    return choices[Math.floor(this.next() * choices.length)];
  }

  maybe<T>(share: number, make: () => T): T | null {
    return this.next() < share ? make() : null;
  }
}

const NAMES = ['Alice', 'Bob', 'Chloé', 'Dmitri', 'Eve', 'Fred "Q" Z', 'Günther', '花子', 'Zoë', "O'Neil", 'Ñandú', '😀 Smile'];
const WORDS = ['delivery', 'late', 'thanks', 'größer', 'line\nbreak', 'tab\there', 'back\\slash', '👩‍👩‍👧', 'comma, again', 'très bien', '"quoted"', 'plain', 'Ωmega', ''];
const text = (random: Random, words: number): string => Array.from({ length: words }, () => random.of(WORDS)).join(' ');
const two = (n: number): string => String(n).padStart(2, '0');
const date = (random: Random): string => `20${10 + random.upTo(15)}-${two(random.upTo(12))}-${two(random.upTo(28))}`;
const timestamp = (random: Random): string => `${date(random)}T${two(random.upTo(24) - 1)}:${two(random.upTo(60) - 1)}:${two(random.upTo(60) - 1)}.${String(random.upTo(1e6) - 1).padStart(6, '0')}`;
const instant = (random: Random): string => `${timestamp(random)}Z`;
const money = (random: Random): Digits => ({ digits: `${random.upTo(100_000) - 1}.${two(random.upTo(100) - 1)}` });
/** Beyond 2^53. */
const big = (i: number): Digits => ({ digits: String(9_007_199_254_740_993n + BigInt(i) * 1001n) });
const hex = (random: Random, digits: number): string => Array.from({ length: digits }, () => '0123456789abcdef'[random.upTo(16) - 1]).join('');
const uuid = (i: number, random: Random): string => `${i.toString(16).padStart(8, '0')}-${hex(random, 4)}-4${hex(random, 3)}-a${hex(random, 3)}-${hex(random, 12)}`;

const ID = ['id', 'bigint PRIMARY KEY'] as const;
const CREATED = ['created_at', 'timestamp NOT NULL'] as const;

export const TABLES: readonly BackupTable[] = [
  { name: 'countries', file: 'Countries', share: 0.2, columns: [ID, ['code', 'varchar(8) NOT NULL UNIQUE'], ['name', 'text NOT NULL'], ['eu', 'boolean NOT NULL']],
    row: (i, r) => [i, `C${i}`, `${r.of(NAMES)}land`, r.next() < 0.3] },
  { name: 'users', file: 'Users', share: 60, columns: [ID, ['email', 'varchar(60) NOT NULL UNIQUE'], ['full_name', 'text NOT NULL'], ['country_id', 'bigint REFERENCES countries'], ['role', `text NOT NULL CHECK (role IN ('admin', 'member', 'guest'))`],
    ['age', 'integer CHECK (age BETWEEN 0 AND 150)'], ['born', 'date'], ['active', 'boolean NOT NULL'], ['balance', 'numeric(12,2) NOT NULL'], CREATED],
    row: (i, r, n) => [i, `user${i}@example.org`, `${r.of(NAMES)} ${i}`, r.maybe(0.9, () => r.upTo(n.countries)), r.of(['admin', 'member', 'guest']), r.maybe(0.7, () => r.upTo(100)), r.maybe(0.5, () => date(r)), r.next() < 0.9, money(r), timestamp(r)] },
  { name: 'organisations', file: 'Organisations', share: 10, columns: [ID, ['slug', 'text NOT NULL UNIQUE'], ['name', 'text NOT NULL'], ['owner_id', 'bigint NOT NULL REFERENCES users'], ['tax_number', 'bigint NOT NULL'], ['labels', 'text[] NOT NULL']],
    row: (i, r, n) => [i, `org-${i}`, `${r.of(NAMES)} & Co`, r.upTo(n.users), big(i), Array.from({ length: r.upTo(4) - 1 }, () => r.of(WORDS))] },
  { name: 'memberships', file: 'Memberships', share: 60, columns: [['user_id', 'bigint NOT NULL REFERENCES users'], ['organisation_id', 'bigint NOT NULL REFERENCES organisations'], ['level', 'smallint NOT NULL'], ['since', 'date NOT NULL']], constraints: ['PRIMARY KEY (user_id, organisation_id)'],
    row: (i, r, n) => [1 + ((i - 1) % n.users), 1 + ((i * 7 + Math.floor((i - 1) / n.users)) % n.organisations), r.upTo(9), date(r)] },
  { name: 'teams', file: 'Teams', share: 2, columns: [ID, ['name', 'text NOT NULL'], ['lead_id', 'bigint']], after: ['ALTER TABLE teams ADD CONSTRAINT teams_lead_id_fkey FOREIGN KEY (lead_id) REFERENCES employees DEFERRABLE INITIALLY DEFERRED'],
    row: (i, r, n) => [i, `Team ${i} ${r.of(NAMES)}`, r.maybe(0.9, () => r.upTo(n.employees))] },
  { name: 'employees', file: 'Employees', share: 20, columns: [ID, ['team_id', 'bigint NOT NULL REFERENCES teams'], ['user_id', 'bigint REFERENCES users'], ['badge', 'uuid NOT NULL UNIQUE'], ['salary', 'numeric(10,2) CHECK (salary >= 0)']],
    row: (i, r, n) => [i, r.upTo(n.teams), r.maybe(0.8, () => r.upTo(n.users)), uuid(i, r), money(r)] },
  { name: 'categories', file: 'Categories', share: 1, columns: [ID, ['parent_id', 'bigint REFERENCES categories'], ['name', 'text NOT NULL']],
    row: (i, r) => [i, i === 1 ? null : r.maybe(0.8, () => r.upTo(i - 1)), `${r.of(WORDS)} ${i}`] },
  { name: 'products', file: 'Products', share: 40, columns: [ID, ['category_id', 'bigint REFERENCES categories'], ['sku', 'varchar(20) NOT NULL UNIQUE'], ['title', 'varchar(80) NOT NULL'], ['price', 'numeric(12,2) NOT NULL CHECK (price >= 0)'], ['weight', 'double precision'], ['attributes', 'jsonb'], ['sizes', 'integer[]']],
    row: (i, r, n) => [i, r.upTo(n.categories), `SKU-${i}`, `${r.of(NAMES)} ${r.of(WORDS)}`, money(r), r.maybe(0.8, () => Math.round(r.next() * 1e6) / 1000), r.maybe(0.6, () => ({ json: { color: r.of(WORDS), dims: [r.upTo(9), r.upTo(9)], deep: { a: { b: null, c: [true, 'é'] } } } })), r.maybe(0.5, () => [r.upTo(50), r.upTo(50)])] },
  { name: 'bookings', file: 'Bookings', share: 8, columns: [ID, ['user_id', 'bigint NOT NULL REFERENCES users'], ['slot', 'int8range NOT NULL']], constraints: ['CONSTRAINT bookings_slot_excl EXCLUDE USING gist (slot WITH &&)'],
    row: (i, r, n) => [i, r.upTo(n.users), `[${i * 10},${i * 10 + r.upTo(9)})`] },
  { name: 'addresses', file: 'Addresses', share: 50, columns: [ID, ['user_id', 'bigint NOT NULL REFERENCES users'], ['street', 'text NOT NULL'], ['city', 'text'], ['zip', 'varchar(10)'], ['country_id', 'bigint REFERENCES countries']],
    row: (i, r, n) => [i, r.upTo(n.users), `${r.of(WORDS)} Street ${i}`, r.maybe(0.9, () => r.of(NAMES)), String(r.upTo(99_999)).padStart(5, '0'), r.upTo(n.countries)] },
  { name: 'orders', file: 'Orders', share: 100, columns: [ID, ['user_id', 'bigint NOT NULL REFERENCES users'], ['address_id', 'bigint REFERENCES addresses'], ['status', `text NOT NULL CHECK (status IN ('new', 'paid', 'sent', 'done', 'void'))`], ['total', 'numeric(12,2) NOT NULL'], ['note', 'text'], ['placed_at', 'timestamptz NOT NULL']], after: ['CREATE INDEX orders_user_id_idx ON orders (user_id)'],
    row: (i, r, n) => [i, r.upTo(n.users), r.maybe(0.9, () => r.upTo(n.addresses)), r.of(['new', 'paid', 'sent', 'done', 'void']), money(r), r.maybe(0.3, () => text(r, 3)), instant(r)] },
  { name: 'order_items', file: 'OrderItems', share: 200, columns: [['order_id', 'bigint NOT NULL REFERENCES orders'], ['line', 'smallint NOT NULL'], ['product_id', 'bigint NOT NULL REFERENCES products'], ['quantity', 'integer NOT NULL CHECK (quantity > 0)'], ['price', 'numeric(12,2) NOT NULL'], ['gift', 'boolean']], constraints: ['PRIMARY KEY (order_id, line)'],
    row: (i, r, n) => [1 + ((i - 1) % n.orders), 1 + Math.floor((i - 1) / n.orders), r.upTo(n.products), r.upTo(20), money(r), r.maybe(0.2, () => true)] },
  { name: 'payments', file: 'Payments', share: 80, columns: [ID, ['order_id', 'bigint NOT NULL REFERENCES orders'], ['reference', 'uuid NOT NULL'], ['amount', 'numeric(12,2) NOT NULL'], ['method', `text NOT NULL CHECK (method IN ('card', 'cash', 'transfer'))`], ['paid_at', 'timestamp']],
    row: (i, r, n) => [i, r.upTo(n.orders), uuid(i, r), money(r), r.of(['card', 'cash', 'transfer']), r.maybe(0.8, () => timestamp(r))] },
  { name: 'refunds', file: 'Refunds', share: 5, columns: [['payment_id', 'bigint PRIMARY KEY REFERENCES payments'], ['amount', 'numeric(12,2) NOT NULL'], ['reason', 'text']],
    row: (i, r) => [i, money(r), r.maybe(0.7, () => text(r, 4))] },
  { name: 'shipments', file: 'Shipments', share: 40, columns: [ID, ['order_id', 'bigint NOT NULL REFERENCES orders'], ['tracking', 'bigint NOT NULL'], ['shipped_on', 'date'], ['dimensions', 'double precision[]']],
    row: (i, r, n) => [i, r.upTo(n.orders), big(i), r.maybe(0.9, () => date(r)), [r.upTo(100) / 4, r.upTo(100) / 8]] },
  { name: 'comments', file: 'Comments', share: 60, columns: [ID, ['user_id', 'bigint NOT NULL REFERENCES users'], ['parent_id', 'bigint REFERENCES comments'], ['body', 'text NOT NULL'], ['rating', 'real'], CREATED],
    row: (i, r, n) => [i, r.upTo(n.users), r.maybe(0.5, () => r.upTo(n.comments)), text(r, 6), r.maybe(0.4, () => r.upTo(10) / 2), timestamp(r)] },
  { name: 'tags', file: 'Tags', share: 1, columns: [ID, ['name', 'text NOT NULL UNIQUE']],
    row: (i, r) => [i, `${r.of(WORDS)}#${i}`] },
  { name: 'product_tags', file: 'ProductTags', share: 40, columns: [['product_id', 'bigint NOT NULL REFERENCES products'], ['tag_id', 'bigint NOT NULL REFERENCES tags']], constraints: ['PRIMARY KEY (product_id, tag_id)'],
    row: (i, _r, n) => [1 + ((i - 1) % n.products), 1 + ((i + Math.floor((i - 1) / n.products)) % n.tags)] },
  { name: 'sessions', file: 'Sessions', share: 30, columns: [['token', 'uuid PRIMARY KEY'], ['user_id', 'bigint NOT NULL REFERENCES users'], ['agent', 'text'], ['started_at', 'timestamptz NOT NULL'], ['ended_at', 'timestamptz']],
    row: (i, r, n) => [uuid(i, r), r.upTo(n.users), r.maybe(0.9, () => `Browser/${r.upTo(99)} (${r.of(NAMES)})`), instant(r), r.maybe(0.6, () => instant(r))] },
  { name: 'api_keys', file: 'ApiKeys', share: 10, columns: [ID, ['organisation_id', 'bigint NOT NULL REFERENCES organisations'], ['secret', 'text NOT NULL UNIQUE'], ['scopes', 'text[] NOT NULL'], ['expires', 'date']],
    row: (i, r, n) => [i, r.upTo(n.organisations), `${i}-${hex(r, 32)}`, ['read', r.of(WORDS)], r.maybe(0.5, () => date(r))] },
  { name: 'settings', file: 'Settings', share: 10, columns: [['user_id', 'bigint PRIMARY KEY REFERENCES users'], ['preferences', 'jsonb NOT NULL']],
    row: (i, r) => [i, { json: { theme: r.of(['dark', 'light']), lang: r.of(NAMES), flags: { beta: r.next() < 0.5, n: r.upTo(1000) }, recent: [r.upTo(9), r.upTo(9), null] } }] },
  { name: 'notifications', file: 'Notifications', share: 50, columns: [ID, ['user_id', 'bigint NOT NULL REFERENCES users'], ['kind', 'varchar(12) NOT NULL'], ['seen', 'boolean NOT NULL'], ['sent_at', 'timestamp NOT NULL']],
    row: (i, r, n) => [i, r.upTo(n.users), r.of(['mail', 'push', 'sms']), r.next() < 0.5, timestamp(r)] },
  { name: 'audit_entries', file: 'AuditEntries', share: 60, columns: [ID, ['actor_id', 'bigint REFERENCES users'], ['action', 'text NOT NULL'], ['code', 'text UNIQUE'], ['at', 'timestamptz NOT NULL']],
    row: (i, r, n) => [i, r.maybe(0.9, () => r.upTo(n.users)), text(r, 2), `A-${i}`, instant(r)] },
  // Takes what the others leave.
  { name: 'events', file: 'Events', share: 62.8, columns: [ID, ['user_id', 'bigint REFERENCES users'], ['kind', 'text NOT NULL'], ['sequence', 'bigint NOT NULL'], ['payload', 'jsonb'], ['happened_at', 'timestamptz NOT NULL']], after: ['CREATE INDEX events_happened_at_idx ON events (happened_at)'],
    row: (i, r, n) => [i, r.maybe(0.8, () => r.upTo(n.users)), r.of(['view', 'click', 'buy']), big(i), r.maybe(0.7, () => ({ json: { path: `/p/${r.upTo(1e6)}`, q: text(r, 2), nested: { ok: true, list: [1, 'zwei', { three: 3.5 }] } } })), instant(r)] },
];

/** Rows of each table: every table has some, and all together are `total` where that is enough for them. */
export function countsFor(total: number): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const table of TABLES) counts[table.name] = Math.max(2, Math.floor((total * table.share) / 1000));
  const others = Object.entries(counts).reduce((sum, [name, count]) => (name === 'events' ? sum : sum + count), 0);
  counts.events = Math.max(2, total - others);
  return counts;
}

/** `DROP` and `CREATE` of all tables; keys that close a circle, and indexes, come last. */
export function schemaSql(): string {
  const names = TABLES.map(({ name }) => name).join(', ');
  const create = TABLES.map(({ name, columns, constraints }) =>
    `CREATE TABLE ${name} (\n  ${[...columns.map(([column, definition]) => `${column} ${definition}`), ...(constraints ?? [])].join(',\n  ')}\n);`);
  return [`DROP TABLE IF EXISTS ${names} CASCADE;`, ...create, ...TABLES.flatMap(({ after }) => (after ?? []).map((statement) => `${statement};`))].join('\n');
}

export function rowOf(table: BackupTable, i: number, seed: number, counts: Counts): Value[] {
  return table.row(i, new Random(Math.imul(seed ^ (TABLES.indexOf(table) * 0x9e3779b1), 0x85ebca6b) ^ Math.imul(i, 0xc2b2ae35)), counts);
}
