/** The two tables of the backup benchmark: embeddings (`real[]` of 768 numbers, as models give them: unit vectors of normally distributed parts), and ordinary rows with two indexes. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';

export type DataSet = 'embeddings' | 'rows';

const DIMENSIONS = 768;
const FLOAT4_OID = 700;

export const TABLES: Readonly<Record<DataSet, string>> = { embeddings: 'embeddings', rows: 'orders' };

const ORDERS = `CREATE TABLE orders (
  id bigint NOT NULL, customer integer NOT NULL, placed timestamptz NOT NULL, amount numeric(12,2), quantity smallint, rate double precision, status text NOT NULL, note text, details jsonb)`;
const INDEXES = 'ALTER TABLE orders ADD PRIMARY KEY (id); CREATE INDEX orders_placed ON orders (placed)';

/** Values depend on the number of the row alone: every run has the same. */
function ordersSql(first: number, rows: number): string {
  return `INSERT INTO orders SELECT i, hashint8(i) % 100000 + 100000, '2020-01-01Z'::timestamptz + i * interval '17.003 seconds', (hashint8(i + 1) % 10000000)::numeric / 100, abs(hashint8(i + 2)) % 50,
      hashint8(i + 3) / 7.0::float8, (ARRAY['new', 'paid', 'sent', 'done', 'void'])[1 + abs(hashint8(i + 4)) % 5],
      CASE WHEN i % 3 > 0 THEN substr(md5(i::text), 1, 8 + (i % 24)::int) || ' for customer ' || abs(hashint8(i + 5)) % 1000 END,
      jsonb_build_object('channel', (ARRAY['web', 'shop', 'phone'])[1 + (i % 3)::int], 'items', abs(hashint8(i + 6)) % 9, 'gift', i % 11 = 0)
    FROM generate_series(${first}::bigint, ${first + rows - 1}::bigint) AS i`;
}

export interface Psql {
  /** PGHOST and others, with the database. */
  readonly env: Readonly<Record<string, string>>;
}

export async function fill(psql: Psql, set: DataSet, rows: number): Promise<void> {
  if (set === 'rows') {
    await runPsql(psql, `${ORDERS}; ${ordersSql(1, rows)}; ${INDEXES}`);
  } else {
    await runPsql(psql, 'CREATE TABLE embeddings (id integer NOT NULL, embedding real[] NOT NULL)');
    await copyEmbeddings(psql, 1, rows);
    await runPsql(psql, 'ALTER TABLE embeddings ADD PRIMARY KEY (id)');
  }
  await runPsql(psql, 'VACUUM ANALYZE');
  await runPsql(psql, 'CHECKPOINT');
}

export async function append(psql: Psql, set: DataSet, after: number, rows: number): Promise<void> {
  if (set === 'rows') await runPsql(psql, ordersSql(after + 1, rows));
  else await copyEmbeddings(psql, after + 1, rows);
  await runPsql(psql, 'CHECKPOINT');
}

export async function runPsql({ env }: Psql, sql: string): Promise<string> {
  const child = spawn('psql', ['-X', '-q', '-A', '-t', '-v', 'ON_ERROR_STOP=1', '-f', '-'], { env: { ...process.env, ...env }, stdio: ['pipe', 'pipe', 'pipe'] });
  const texts = ['', ''];
  child.stdout.on('data', (chunk: Buffer) => (texts[0] += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (texts[1] += chunk.toString()));
  child.stdin.end(`${sql};\n`);
  const [code] = await once(child, 'close') as [number];
  if (code !== 0) throw new Error(`psql: ${texts[1]}`);
  return texts[0].trim();
}

async function copyEmbeddings({ env }: Psql, first: number, rows: number): Promise<void> {
  const child = spawn('psql', ['-X', '-q', '-v', 'ON_ERROR_STOP=1', '-c', 'COPY embeddings FROM STDIN (FORMAT binary)'], { env: { ...process.env, ...env }, stdio: ['pipe', 'ignore', 'inherit'] });
  const ended = once(child, 'close') as Promise<[number]>;
  const head = Buffer.alloc(19);
  head.write('PGCOPY\n\xff\r\n\0', 'latin1');
  child.stdin.write(head);
  const random = new Normal(first);
  for (let id = first; id < first + rows; id++) {
    if (!child.stdin.write(embeddingRow(id, random))) await once(child.stdin, 'drain');
    if (id % 1000 === 0) await sleep(0);
  }
  child.stdin.end(Buffer.from([0xff, 0xff]));
  const [code] = await ended;
  if (code !== 0) throw new Error(`psql ended with ${code}`);
}

function embeddingRow(id: number, random: Normal): Buffer {
  const values = Array.from({ length: DIMENSIONS }, () => random.next());
  const length = Math.sqrt(values.reduce((sum, value) => sum + value * value, 0));
  const array = 20 + DIMENSIONS * 8;
  const row = Buffer.alloc(2 + 8 + 4 + array);
  let at = row.writeInt16BE(2);
  for (const word of [4, id, array, 1, 0, FLOAT4_OID, DIMENSIONS, 1]) at = row.writeInt32BE(word, at);
  for (const value of values) at = row.writeFloatBE(value / length, row.writeInt32BE(4, at));
  return row;
}

/** Normally distributed numbers from a generator with a seed (xorshift, Box and Muller). */
class Normal {
  #state: number;

  constructor(seed: number) {
    this.#state = Math.imul(seed, 0x9e3779b1) | 1;
  }

  next(): number {
    return Math.sqrt(-2 * Math.log(this.#uniform())) * Math.cos(2 * Math.PI * this.#uniform());
  }

  #uniform(): number {
    let state = this.#state;
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    this.#state = state;
    return ((state >>> 0) + 1) / 4_294_967_297;
  }
}
