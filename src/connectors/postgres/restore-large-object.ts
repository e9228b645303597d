/** One large object: created, filled and given its rights in one transaction with its entry in the ledger. */
import type { RestoreLargeObject } from '../restore-target.ts';
import type { QueryOptions, Session } from './driver.ts';
import { quoteIdentifier, quoteLiteral } from './sql.ts';

export interface LargeObjectSql {
  readonly owner: string;
  readonly entry: string;
  /** Called within the transaction when what is there is to be replaced. */
  readonly setAside?: (session: Session, oid: number) => Promise<void>;
}

/** @returns why some rights could not be given */
// oxlint-disable-next-line max-params -- one caller
export async function writeLargeObject(session: Session, object: RestoreLargeObject, sql: LargeObjectSql, chunks: AsyncIterable<Uint8Array>, options: QueryOptions): Promise<string[]> {
  const { oid, attributes } = object;
  try {
    await session.query('BEGIN', options);
    if (attributes !== undefined && sql.setAside !== undefined) await sql.setAside(session, oid);
    if (attributes !== undefined) await session.query(`SELECT pg_catalog.lo_create(${oid})`, options);
    let at = 0;
    for await (const chunk of chunks) {
      await session.query('SELECT pg_catalog.lo_put($1::oid, $2::bigint, $3::bytea)', { ...options, values: [String(oid), String(at), chunk] });
      at += chunk.length;
    }
    const comment = attributes?.comment == null ? '' : `COMMENT ON LARGE OBJECT ${oid} IS ${quoteLiteral(attributes.comment)}; `;
    // Rights that the owner gave are the owner's only when there is one.
    if (comment + sql.owner !== '') await session.query(`${comment}${sql.owner}`, options);
    const missing = attributes === undefined ? [] : await giveRights(session, { ...attributes, oid, isOwned: sql.owner !== '' }, options);
    await session.query(`${sql.entry} COMMIT`, options);
    return missing;
  } catch (error) {
    if (session.usable) await session.query('ROLLBACK').catch(() => undefined);
    throw error;
  }
}

export interface ObjectRights {
  readonly oid: number;
  readonly owner: string;
  readonly acl: string | null;
  /** By that owner, and not by whoever restores. */
  readonly isOwned: boolean;
}

/** `{bob=r/alice,carol=rw/bob}` as statements, in its order, each by who gave the right. An owner has all rights unless the list says less. */
export async function giveRights(session: Session, { oid, owner, acl, isOwned }: ObjectRights, options: QueryOptions): Promise<string[]> {
  if (acl === null) return [];
  const items = readAcl(acl), roles = await existingRoles(session, items.flatMap(({ grantee, grantor }) => [grantee, grantor]), options);
  const object = `ON LARGE OBJECT ${oid}`;
  const ofOwner = items.find(({ grantee }) => grantee === owner)?.rights ?? [];
  if (isOwned && ofOwner.length < 2) await session.query(`REVOKE ALL ${object} FROM ${quoteIdentifier(owner)}${ofOwner.map(({ name }) => `; GRANT ${name} ${object} TO ${quoteIdentifier(owner)}`).join('')}`, options);
  const missing: string[] = [];
  for (const { grantee, grantor, rights } of items) {
    if (grantee === owner) continue;
    if (grantee !== '' && !roles.has(grantee)) {
      missing.push(`role "${grantee}" does not exist`);
      continue;
    }
    const grants = rights.map(({ name, isGrantable }) => `GRANT ${name} ${object} TO ${grantee === '' ? 'PUBLIC' : quoteIdentifier(grantee)}${isGrantable ? ' WITH GRANT OPTION' : ''}`).join('; ');
    const isByOther = isOwned && grantor !== owner && roles.has(grantor);
    await session.query(isByOther ? `SAVEPOINT rights; SET LOCAL ROLE ${quoteIdentifier(grantor)}; ${grants}; RESET ROLE; RELEASE SAVEPOINT rights` : grants, options).catch(async (error: unknown) => {
      if (!isByOther || !session.usable) throw error;
      // The role may be one that this user cannot speak for: then it is the owner who gives.
      await session.query(`ROLLBACK TO SAVEPOINT rights; ${grants}`, options);
    });
  }
  return missing;
}

async function existingRoles(session: Session, names: readonly string[], options: QueryOptions): Promise<ReadonlySet<string>> {
  const { rows } = await session.query('SELECT rolname FROM pg_catalog.pg_roles WHERE rolname IN (SELECT pg_catalog.json_array_elements_text($1::json))', { ...options, values: [JSON.stringify(names)] });
  return new Set(rows.map(([name]) => name!));
}

interface Right {
  readonly name: 'SELECT' | 'UPDATE';
  readonly isGrantable: boolean;
}

/** The text of an aclitem[]: items with odd characters are quoted as array elements, names in them as identifiers. */
export function readAcl(acl: string): { readonly grantee: string; readonly grantor: string; readonly rights: readonly Right[] }[] {
  const items = [...acl.slice(1, -1).matchAll(/"((?:[^"\\]|\\[^])*)"|([^,]+)/g)].map(([, quoted, plain]) => (quoted === undefined ? plain : quoted.replace(/\\([^])/g, '$1')));
  return items.flatMap((item) => {
    const match = /^("(?:[^"]|"")*"|[^=]*)=([a-zA-Z*]*)\/([^]*)$/.exec(item);
    if (match === null) return [];
    const rights = [...match[2].matchAll(/([rw])(\*?)/g)].map(([, letter, star]): Right => ({ name: letter === 'r' ? 'SELECT' : 'UPDATE', isGrantable: star === '*' }));
    return [{ grantee: unquoted(match[1]), grantor: unquoted(match[3]), rights }];
  });
}

function unquoted(name: string): string {
  return name.startsWith('"') ? name.slice(1, -1).replaceAll('""', '"') : name;
}
