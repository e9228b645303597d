/** One large object: created, filled and given its rights in one transaction with its entry in the ledger. */
import type { RestoreLargeObject } from '../restore-target.ts';
import type { QueryOptions, Session } from './driver.ts';
import { quoteIdentifier, quoteLiteral } from './sql.ts';

/** @returns roles that have rights in the backup and do not exist here */
// oxlint-disable-next-line max-params -- one caller
export async function writeLargeObject(session: Session, object: RestoreLargeObject, sql: { readonly owner: string; readonly entry: string; readonly replaces: boolean }, chunks: AsyncIterable<Uint8Array>, options: QueryOptions): Promise<string[]> {
  const { oid, attributes } = object;
  try {
    await session.query('BEGIN', options);
    if (attributes !== undefined && sql.replaces) await session.query(`SELECT pg_catalog.lo_unlink(oid) FROM pg_catalog.pg_largeobject_metadata WHERE oid = ${oid}`, options);
    if (attributes !== undefined) await session.query(`SELECT pg_catalog.lo_create(${oid})`, options);
    let at = 0;
    for await (const chunk of chunks) {
      await session.query('SELECT pg_catalog.lo_put($1::oid, $2::bigint, $3::bytea)', { ...options, values: [String(oid), String(at), chunk] });
      at += chunk.length;
    }
    const missing = attributes === undefined ? [] : await giveRights(session, oid, attributes.acl, options);
    const comment = attributes?.comment == null ? '' : `COMMENT ON LARGE OBJECT ${oid} IS ${quoteLiteral(attributes.comment)}; `;
    await session.query(`${comment}${sql.owner}${sql.entry} COMMIT`, options);
    return missing;
  } catch (error) {
    if (session.usable) await session.query('ROLLBACK').catch(() => undefined);
    throw error;
  }
}

/** `{bob=r/alice,carol=rw/alice}` as statements; the owner has all rights anyway. */
async function giveRights(session: Session, oid: number, acl: string | null, options: QueryOptions): Promise<string[]> {
  const missing: string[] = [];
  for (const { grantee, rights } of acl === null ? [] : readAcl(acl)) {
    const { rows } = await session.query('SELECT EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = $1)', { ...options, values: [grantee] });
    if (grantee !== '' && rows[0][0] !== 't') {
      missing.push(grantee);
      continue;
    }
    for (const { name, isGrantable } of rights) {
      await session.query(`GRANT ${name} ON LARGE OBJECT ${oid} TO ${grantee === '' ? 'PUBLIC' : quoteIdentifier(grantee)}${isGrantable ? ' WITH GRANT OPTION' : ''}`, options);
    }
  }
  return missing;
}

interface Right {
  readonly name: 'SELECT' | 'UPDATE';
  readonly isGrantable: boolean;
}

/** The text of an aclitem[]: items with odd characters are quoted as array elements, names in them as identifiers. */
export function readAcl(acl: string): { readonly grantee: string; readonly rights: readonly Right[] }[] {
  const items = [...acl.slice(1, -1).matchAll(/"((?:[^"\\]|\\.)*)"|([^,]+)/g)].map(([, quoted, plain]) => (quoted === undefined ? plain : quoted.replace(/\\(.)/g, '$1')));
  return items.flatMap((item) => {
    const match = /^(?:"((?:[^"]|"")*)"|([^=]*))=([a-zA-Z*]*)\//.exec(item);
    if (match === null) return [];
    const [, quoted, plain, letters] = match;
    const rights = [...letters.matchAll(/([rw])(\*?)/g)].map(([, letter, star]): Right => ({ name: letter === 'r' ? 'SELECT' : 'UPDATE', isGrantable: star === '*' }));
    return [{ grantee: quoted === undefined ? plain : quoted.replaceAll('""', '"'), rights }];
  });
}
