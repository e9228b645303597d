/** Text of SQL: names and values quoted, names cut to what the server keeps. */
import { createHash } from 'node:crypto';
import { SluiceError } from '../../errors/sluice-error.ts';
import type { TableName } from '../../rows/table-schema.ts';

/** NAMEDATALEN - 1: longer names are cut by the server without an error. */
const NAME_BYTES = 63;

export function quoteIdentifier(name: string): string {
  // A NUL would end the statement in the middle.
  if (name.includes('\0')) throw new SluiceError('NUL_BYTE', { source: 'a name', target: 'PostgreSQL' });
  return `"${name.replaceAll('"', '""')}"`;
}

/** For sessions with standard_conforming_strings on, which ours always have. */
export function quoteLiteral(text: string): string {
  if (text.includes('\0')) throw new SluiceError('NUL_BYTE', { source: 'a setting', target: 'PostgreSQL' });
  return `'${text.replaceAll("'", "''")}'`;
}

export function qualifiedName(table: TableName): string {
  return table.schema === undefined ? quoteIdentifier(table.name) : `${quoteIdentifier(table.schema)}.${quoteIdentifier(table.name)}`;
}

export function identifierList(names: readonly string[]): string {
  return names.map(quoteIdentifier).join(', ');
}

/**
 * The name as the server can keep it whole. A longer one is cut at a character and ends in a hash of the whole name, so that two long
 * names with the same beginning stay two.
 */
export function fitIdentifier(name: string): string {
  const bytes = Buffer.from(name);
  if (bytes.length <= NAME_BYTES) return name;
  const suffix = `_${createHash('sha256').update(bytes).digest('hex').slice(0, 8)}`;
  let end = NAME_BYTES - suffix.length;
  while ((bytes[end] & 0xc0) === 0x80) end--;
  return bytes.toString('utf8', 0, end) + suffix;
}

/** Of pg_class as `c`: a staging table of a run of ours. The whole name, run id and all: a user's own unlogged table may well begin with sluice_, too. */
const IS_STAGING = `(c.relpersistence = 'u' AND c.relname ~ '^sluice_[0-9a-hjkmnp-tv-z]{14}_(\\d+|staged|gaps)$')`;

/** Of pg_class as `c` and its pg_namespace as `n`: made by a run of ours for itself, which has not ended or could not tidy up. */
export const IS_OURS = `(${IS_STAGING} OR c.relname ~ '^sluice_[0-9a-hjkmnp-tv-z]{14}_(ledger|\\d+_row)$' OR (n.nspname ~ '^sluice_[0-9a-hjkmnp-tv-z]{14}$' AND c.relname IN ('done', 'done_unlogged', 'moved', 'moved_n_seq', 'objects')))`;
