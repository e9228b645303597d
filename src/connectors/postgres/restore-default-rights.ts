/** Default privileges (`ALTER DEFAULT PRIVILEGES`) that a restore has set and that were not there before: those of a schema that it has made go with the schema, the others are taken back here when it is given up. */
import type { QueryOptions, Session } from './driver.ts';
import type { RestoreLedger } from './restore-ledger.ts';
import { quoteIdentifier } from './sql.ts';

/** `defaclobjtype`: how it is called, and what everybody has of it where nothing else was said. */
const KINDS: Readonly<Record<string, readonly [name: string, ofPublic: string | undefined]>> = {
  r: ['TABLES', undefined], S: ['SEQUENCES', undefined], f: ['FUNCTIONS', 'EXECUTE'], T: ['TYPES', 'USAGE'], n: ['SCHEMAS', undefined], L: ['LARGE OBJECTS', undefined],
};

/** A line for each that there is, for the ledger. */
export const DEFAULT_RIGHTS = `SELECT 'step', 'default rights ' || defaclrole || ' ' || defaclnamespace || ' ' || defaclobjtype::text, 0 FROM pg_catalog.pg_default_acl`;

/** Whether what this user makes gets other privileges than usual, by what was said before the restore began. */
export async function hadDefaultRights(session: Session, ledger: RestoreLedger, options: QueryOptions): Promise<boolean> {
  const { rows } = await session.query(`SELECT EXISTS (SELECT FROM ${ledger.entries} e JOIN pg_catalog.pg_roles r ON r.rolname = current_user WHERE e.kind = 'step' AND pg_catalog.starts_with(e.target, 'default rights ' || r.oid || ' '))`, options);
  return rows[0][0] === 't';
}

export async function undoDefaultRights(session: Session, ledger: RestoreLedger, options: QueryOptions): Promise<void> {
  const { rows } = await session.query(`
    SELECT pg_catalog.pg_get_userbyid(d.defaclrole), n.nspname, d.defaclobjtype, pg_catalog.string_agg(DISTINCT CASE WHEN given.grantee = 0 THEN 'PUBLIC' ELSE pg_catalog.quote_ident(pg_catalog.pg_get_userbyid(given.grantee)) END, ', ')
    FROM pg_catalog.pg_default_acl d LEFT JOIN pg_catalog.pg_namespace n ON n.oid = d.defaclnamespace CROSS JOIN LATERAL pg_catalog.aclexplode(d.defaclacl) AS given
    WHERE NOT EXISTS (SELECT FROM ${ledger.entries} e WHERE e.kind = 'step' AND e.target = 'default rights ' || d.defaclrole || ' ' || d.defaclnamespace || ' ' || d.defaclobjtype::text)
    GROUP BY d.oid, d.defaclrole, n.nspname, d.defaclobjtype`, options);
  for (const [role, schema, kind, grantees] of rows) {
    const [name, ofPublic] = KINDS[kind!] ?? [];
    if (name === undefined) continue;
    const of = `ALTER DEFAULT PRIVILEGES FOR ROLE ${quoteIdentifier(role!)}${schema === null ? '' : ` IN SCHEMA ${quoteIdentifier(schema)}`}`;
    // What is as it would be without them is forgotten by the server.
    const usual = schema !== null ? [] : [`${of} GRANT ALL ON ${name} TO ${quoteIdentifier(role!)}`, ...(ofPublic === undefined ? [] : [`${of} GRANT ${ofPublic} ON ${name} TO PUBLIC`])];
    await session.query([`${of} REVOKE ALL ON ${name} FROM ${grantees}`, ...usual].join('; '), options);
  }
}
