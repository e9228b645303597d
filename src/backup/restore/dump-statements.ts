/** The two statements of an archive that are read and not run: pg_dump writes them from a form of its own, and anything else is refused. */
import { SluiceError } from '../../errors/sluice-error.ts';
import type { TableName } from '../../rows/table-schema.ts';
import type { DumpEntry } from '../pg-dump/dump-archive.ts';

const IDENTIFIER = String.raw`(?:"(?:[^"]|"")+"|[^\s"().,;]+)`;
const COPY = new RegExp(String.raw`^COPY (${IDENTIFIER})(?:\.(${IDENTIFIER}))? (?:\((${IDENTIFIER}(?:, ${IDENTIFIER})*)\))? ?FROM stdin;\s*$`, 'u');
const IDENTIFIERS = new RegExp(IDENTIFIER, 'gu');
const SETVAL = /^SELECT (?:pg_catalog\.)?setval\('(?:[^']|'')+'(?:::\S+)?, (-?\d{1,19}), (true|false)\);\s*$/;

/** Where rows go in, which is the root of partitions that were dumped so; columns undefined where none are named. */
export function readCopyStatement(sql: string, { namespace, tag }: DumpEntry): { readonly name: TableName; readonly columns: readonly string[] | undefined } {
  const match = COPY.exec(sql);
  if (match === null) throw unknownForm(`the COPY of ${namespace}.${tag}`, sql);
  const [, first, second, list] = match;
  const name = second === undefined ? { schema: namespace, name: unquoted(first) } : { schema: unquoted(first), name: unquoted(second) };
  return { name, columns: list?.match(IDENTIFIERS)?.map(unquoted) };
}

export function readSetval(sql: string, sequence: string): { readonly lastValue: string; readonly isCalled: boolean } {
  const match = SETVAL.exec(sql);
  if (match === null) throw unknownForm(`the value of the sequence ${sequence}`, sql);
  return { lastValue: match[1], isCalled: match[2] === 'true' };
}

function unquoted(identifier: string): string {
  return identifier.startsWith('"') ? identifier.slice(1, -1).replaceAll('""', '"') : identifier;
}

function unknownForm(what: string, sql: string): SluiceError {
  return new SluiceError('ARCHIVE_UNSUPPORTED', { source: 'The archive', reason: `${what} is not as pg_dump writes it: ${sql.trim().slice(0, 100)}`, remedy: 'Restore it with pg_restore.' });
}
