/**
 * Large objects as bytes: a batch of them is one binary COPY of pieces in their order, whose lengths are known, so that the frames around the pieces can be taken off without keeping any of them.
 */
import { SluiceError } from '../../errors/sluice-error.ts';
import type { LargeObject } from '../backup-source.ts';
import { copyOut, type CopyOutCounts } from './copy-out.ts';
import type { Row, Session } from './driver.ts';
import type { Snapshot } from './snapshot.ts';

const OBJECTS_PER_BATCH = 200;
/** What the server has in memory at once. */
const PIECE_BYTES = 1024 * 1024;

const STREAM_HEAD_BYTES = 19;
/** Field count and length. */
const TUPLE_HEAD_BYTES = 6;

/** INV_READ */
const FOR_READING = 0x40000;

/** They are read behind all rows: who may not is to know it first. @throws SluiceError PERMISSION_DENIED */
export async function refuseUnreadableObjects(session: Session, signal: AbortSignal): Promise<void> {
  const { rows } = await session.query(`
    SELECT oid FROM pg_catalog.pg_largeobject_metadata WHERE pg_catalog.current_setting('is_superuser') <> 'on' AND pg_catalog.current_setting('lo_compat_privileges') <> 'on' AND NOT EXISTS (
      SELECT FROM pg_catalog.aclexplode(coalesce(lomacl, pg_catalog.acldefault('L', lomowner))) AS given WHERE given.privilege_type = 'SELECT' AND (given.grantee = 0 OR pg_catalog.pg_has_role(given.grantee, 'USAGE')))
    ORDER BY oid LIMIT 1`, { signal });
  if (rows.length > 0) throw new SluiceError('PERMISSION_DENIED', { connection: session.target.name, reason: `the large object ${rows[0][0]} may not be read by the user "${session.target.user}"` });
}

export async function* readLargeObjects(snapshot: Snapshot, signal: AbortSignal): AsyncGenerator<LargeObject, void, undefined> {
  for (let after = '0'; ;) {
    const rows = await nextBatch(snapshot, after, signal);
    if (rows.length === 0) return;
    yield* contentsOf(rows, snapshot, signal);
    after = rows.at(-1)![0]!;
  }
}

async function nextBatch(snapshot: Snapshot, after: string, signal: AbortSignal): Promise<readonly Row[]> {
  // Opened and closed in one statement: descriptors live as long as the transaction.
  const sql = `
    WITH batch AS MATERIALIZED (SELECT oid, lomowner, lomacl FROM pg_catalog.pg_largeobject_metadata WHERE oid > ${after} ORDER BY oid LIMIT ${OBJECTS_PER_BATCH}),
    opened AS MATERIALIZED (SELECT *, pg_catalog.lo_open(oid, ${FOR_READING}) AS descriptor FROM batch),
    measured AS MATERIALIZED (SELECT *, pg_catalog.lo_lseek64(descriptor, 0, 2) AS bytes FROM opened)
    SELECT oid, pg_catalog.pg_get_userbyid(lomowner), lomacl::pg_catalog.text, pg_catalog.obj_description(oid, 'pg_largeobject'), bytes, pg_catalog.lo_close(descriptor) FROM measured ORDER BY oid`;
  return (await snapshot.withCoordinator((session) => session.query(sql, { signal }))).rows;
}

async function* contentsOf(rows: readonly Row[], snapshot: Snapshot, signal: AbortSignal): AsyncGenerator<LargeObject, void, undefined> {
  const objects = rows.map(([oid, , , , bytes]) => `(${oid}::pg_catalog.oid, ${bytes}::bigint)`);
  const sql = `COPY (
    SELECT pg_catalog.lo_get(object.oid, piece.start, ${PIECE_BYTES}) FROM (VALUES ${objects.join(', ')}) AS object(oid, bytes)
    CROSS JOIN LATERAL pg_catalog.generate_series(0, object.bytes - 1, ${PIECE_BYTES}) AS piece(start) ORDER BY object.oid, piece.start) TO STDOUT WITH (FORMAT binary)`;
  const counts: CopyOutCounts = { rows: 0, bytes: 0, arrived: 0 };
  const stream = new PieceReader(snapshot.read(undefined, (session) => copyOut(session, sql, { binary: true, table: 'large objects', signal }, counts), signal));
  try {
    await stream.skip(STREAM_HEAD_BYTES);
    for (const [oid, owner, acl, comment, bytes] of rows) yield { oid: Number(oid), owner: owner!, acl, comment, content: stream.content(Number(bytes)) };
    await stream.end();
  } finally {
    await stream.close();
  }
}

class PieceReader {
  readonly #chunks: AsyncGenerator<Uint8Array, void, undefined>;
  #chunk: Uint8Array = new Uint8Array(0);

  constructor(chunks: AsyncGenerator<Uint8Array, void, undefined>) {
    this.#chunks = chunks;
  }

  async *content(bytes: number): AsyncGenerator<Uint8Array, void, undefined> {
    for (let left = bytes; left > 0; left -= PIECE_BYTES) yield* this.#piece(Math.min(left, PIECE_BYTES));
  }

  async skip(bytes: number): Promise<Buffer> {
    const pieces: Uint8Array[] = [];
    for (let left = bytes; left > 0;) {
      const part = await this.#take(left);
      pieces.push(Buffer.from(part));
      left -= part.length;
    }
    return Buffer.concat(pieces);
  }

  /** The end of the stream, so that the server's count is looked at. */
  async end(): Promise<void> {
    await this.skip(2);
    while ((await this.#chunks.next()).done !== true) throw unexpected();
  }

  async close(): Promise<void> {
    await this.#chunks.return();
  }

  async *#piece(bytes: number): AsyncGenerator<Uint8Array, void, undefined> {
    const head = await this.skip(TUPLE_HEAD_BYTES);
    if (head.readInt16BE(0) !== 1 || head.readInt32BE(2) !== bytes) throw unexpected();
    for (let left = bytes; left > 0;) {
      const part = await this.#take(left);
      left -= part.length;
      yield part;
    }
  }

  /** At most so many bytes; valid until the next call. */
  async #take(most: number): Promise<Uint8Array> {
    while (this.#chunk.length === 0) {
      const next = await this.#chunks.next();
      if (next.done === true) throw unexpected();
      this.#chunk = next.value;
    }
    const part = this.#chunk.subarray(0, most);
    this.#chunk = this.#chunk.subarray(part.length);
    return part;
  }
}

function unexpected(): SluiceError {
  return new SluiceError('INTERNAL', { reason: 'the server sent large objects in another form than it was asked for' });
}
