/**
 * SQL that tests text against a type as COPY does: with the type's own input function and modifier. Since version 16 the server does it without an
 * exception (pg_input_is_valid). Before, for domains (which may refuse NULL, and whose constraint has a name) and for types whose input function
 * knows only exceptions, a function of the session with an exception block does.
 */
import type { CatalogColumn } from './catalog.ts';
import { NOT_OF_ROWS_SQL } from './errors.ts';
import { quoteLiteral } from './sql.ts';

const SOFT_VERSION = 160_000;

/** Every text is a value of them. */
const ALL_TEXT: ReadonlySet<string> = new Set(['text', 'character varying', 'bpchar']);

export interface ValueTests {
  /** Statements that make and remove what the tests need. */
  readonly prepare: readonly string[];
  readonly cleanUp: readonly string[];
  /** The number (from 1) of the first field that is no value, or NULL. */
  readonly firstBad: string;
  /** Of the field with the number in the column `rule`: an array of SQLSTATE, message, detail, constraint. */
  readonly explain: string;
}

/** @param value the SQL of the field with this index @param soft where the server can */
export function valueTests(columns: readonly CatalogColumn[], version: number, value: (index: number) => string, soft: boolean): ValueTests {
  const prepare: string[] = [];
  const cleanUp: string[] = [];
  const bad: string[] = [];
  const why: string[] = [];
  for (const [i, column] of columns.entries()) {
    if (ALL_TEXT.has(column.nativeType)) continue;
    const field = value(i);
    if (soft && version >= SOFT_VERSION && !column.isDomain) {
      const type = quoteLiteral(column.nativeType);
      bad.push(`WHEN NOT pg_catalog.pg_input_is_valid(${field}, ${type}) THEN ${i + 1}`);
      why.push(`WHEN ${i + 1} THEN (SELECT ARRAY[e.sql_error_code, e.message, e.detail, NULL] FROM pg_catalog.pg_input_error_info(${field}, ${type}) AS e)`);
    } else {
      const name = `pg_temp.sluice_test_${i + 1}`;
      prepare.push(testFunction(name, column.nativeType));
      cleanUp.push(`DROP FUNCTION ${name}(text)`);
      const guard = column.isDomain ? '' : `${field} IS NOT NULL AND `;
      bad.push(`WHEN ${guard}${name}(${field}) IS NOT NULL THEN ${i + 1}`);
      why.push(`WHEN ${i + 1} THEN ${name}(${field})`);
    }
  }
  return {
    prepare, cleanUp,
    firstBad: bad.length === 0 ? 'NULL::int' : `CASE ${bad.join(' ')} END`,
    explain: why.length === 0 ? 'NULL::text[]' : `CASE rule ${why.join(' ')} END`,
  };
}

/** An assignment, unlike a cast, refuses what is too long for its type. */
function testFunction(name: string, type: string): string {
  const body = `
    DECLARE state text; message text; detail text; violated text;
    BEGIN
      DECLARE tested ${type} := value; BEGIN END;
      RETURN NULL;
    EXCEPTION WHEN OTHERS THEN
      GET STACKED DIAGNOSTICS state = RETURNED_SQLSTATE, message = MESSAGE_TEXT, detail = PG_EXCEPTION_DETAIL, violated = CONSTRAINT_NAME;
      IF pg_catalog.left(state, 2) IN (${NOT_OF_ROWS_SQL}) THEN RAISE; END IF;
      RETURN ARRAY[state, message, NULLIF(detail, ''), NULLIF(violated, '')];
    END`;
  return `CREATE OR REPLACE FUNCTION ${name}(value text) RETURNS text[] LANGUAGE plpgsql AS ${quoteLiteral(body)}`;
}
