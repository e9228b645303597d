/**
 * Large objects under `--clean`: they have no schema and no name that could be changed, so what is there is copied under another oid before it is replaced, and the copy goes when the restore is complete. A restore that is
 * given up makes it anew of the copy, with owner, rights and comment.
 */
import type { QueryOptions, Session } from './driver.ts';
import { giveRights } from './restore-large-object.ts';
import type { RestoreLedger } from './restore-ledger.ts';
import { quoteIdentifier, quoteLiteral } from './sql.ts';

const PIECE_BYTES = 1024 * 1024;

/** INV_READ */
const FOR_READING = 0x40000;

/** Within the transaction that replaces it. Nothing happens where there is none. */
export async function setObjectAside(session: Session, ledger: RestoreLedger, oid: number, options: QueryOptions): Promise<void> {
  const { rows } = await session.query(`SELECT pg_catalog.pg_get_userbyid(lomowner), lomacl::pg_catalog.text, pg_catalog.obj_description(oid, 'pg_largeobject'), pg_catalog.lo_create(0) FROM pg_catalog.pg_largeobject_metadata WHERE oid = ${oid}`, options);
  if (rows.length === 0) return;
  const [owner, acl, comment, copy] = rows[0];
  await copyObject(session, String(oid), copy!, options);
  const quoted = [owner, acl, comment].map((text) => (text === null ? 'NULL' : quoteLiteral(text)));
  await session.query(`INSERT INTO ${ledger.objects} VALUES (${oid}, ${copy}, ${quoted.join(', ')}); SELECT pg_catalog.lo_unlink(${oid})`, options);
}

/** The copies are not needed any more. */
export async function dropCopies(session: Session, ledger: RestoreLedger, options: QueryOptions): Promise<void> {
  await session.query(`WITH gone AS (DELETE FROM ${ledger.objects} RETURNING copy) SELECT pg_catalog.lo_unlink(m.oid) FROM gone JOIN pg_catalog.pg_largeobject_metadata m ON m.oid = gone.copy`, options);
}

/** What the run has made goes, and what it has replaced comes back; one after the other, each in a transaction of its own. */
export async function undoObjects(session: Session, ledger: RestoreLedger, options: QueryOptions): Promise<void> {
  for (const oid of await ledger.done(session, 'object', options)) {
    await inTransaction(session, options, async () => {
      await session.query(`SELECT pg_catalog.lo_unlink(oid) FROM pg_catalog.pg_largeobject_metadata WHERE oid = ${oid}; ${ledger.removeSql('object', oid)}`, options);
      const { rows } = await session.query(`DELETE FROM ${ledger.objects} WHERE object = ${oid} RETURNING copy, owner, acl, comment`, options);
      for (const [copy, owner, acl, comment] of rows) {
        await session.query(`SELECT pg_catalog.lo_create(${oid})`, options);
        await copyObject(session, copy!, String(oid), options);
        await session.query(`ALTER LARGE OBJECT ${oid} OWNER TO ${quoteIdentifier(owner!)}; SELECT pg_catalog.lo_unlink(${copy})${comment === null ? '' : `; COMMENT ON LARGE OBJECT ${oid} IS ${quoteLiteral(comment)}`}`, options);
        await giveRights(session, { oid, owner: owner!, acl, isOwned: true }, options);
      }
    });
  }
}

async function copyObject(session: Session, from: string, to: string, options: QueryOptions): Promise<void> {
  await session.query(`
    WITH opened AS MATERIALIZED (SELECT pg_catalog.lo_open(${from}, ${FOR_READING}) AS descriptor), measured AS MATERIALIZED (SELECT descriptor, pg_catalog.lo_lseek64(descriptor, 0, 2) AS bytes FROM opened)
    SELECT pg_catalog.lo_close(descriptor), (SELECT pg_catalog.count(pg_catalog.lo_put(${to}, piece, pg_catalog.lo_get(${from}, piece, ${PIECE_BYTES}))::pg_catalog.text) FROM pg_catalog.generate_series(0, bytes - 1, ${PIECE_BYTES}) AS piece)
    FROM measured`, options);
}

async function inTransaction(session: Session, options: QueryOptions, work: () => Promise<void>): Promise<void> {
  try {
    await session.query('BEGIN', options);
    await work();
    await session.query('COMMIT', options);
  } catch (error) {
    if (session.usable) await session.query('ROLLBACK').catch(() => undefined);
    throw error;
  }
}
