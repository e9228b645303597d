/**
 * The last rung: an INSERT that fails for a reason that could not be judged before (a trigger raises, a check is volatile, exclusion constraints)
 * runs again on the server in pieces, in source order, each under a savepoint. A piece that fails is halved until the single row is found, which is rejected with the server's own words. Pieces grow
 * after each success, and begin again at a quarter of the distance of the last two bad rows: whatever share of the rows is bad, they are inserted less than twice on an average.
 *
 * The rows are copied in their order first: a piece is then a range of an index, whatever the planner thinks, and the statements are planned once.
 */
import { NOT_OF_ROWS_SQL } from './errors.ts';
import { quoteLiteral } from './sql.ts';

const LARGEST_PIECE = 65_536;

export interface PiecewiseInsert {
  /** The rows as a relation, without those that are rejected already. */
  readonly candidates: string;
  /** Their column with the number that gives the order, quoted. */
  readonly number: string;
  /** Writes the rows of a relation; `update`, where there is one, before `insert`, and answers how many rows it changed. */
  readonly write: (rows: string) => { readonly update?: string | undefined; readonly insert: string };
  /** The table of rejected rows (rejected-rows.ts), and whose they are. */
  readonly rejected: string;
  readonly load?: number;
}

const NAME = 'pg_temp.sluice_insert_piecewise';
const CANDIDATES = 'pg_temp.sluice_candidates';

export interface PiecewiseSql {
  readonly prepare: string;
  /** Answers how many rows were written. */
  readonly call: string;
  readonly cleanUp: string;
}

export function piecewiseSql({ candidates, number, write, rejected, load }: PiecewiseInsert): PiecewiseSql {
  const { update, insert } = write(`(SELECT * FROM ${CANDIDATES} AS candidate WHERE candidate.${number} > sluice_piece.low AND candidate.${number} <= sluice_piece.high)`);
  // Names in the user's statements are columns, never variables of this function; its own are qualified by the name of the block.
  const body = `
    #variable_conflict use_column
    <<sluice_piece>>
    DECLARE
      low bigint := -9223372036854775808; high bigint; found bigint; most bigint := ${LARGEST_PIECE}; bad_until bigint := low; since_bad bigint := 0; got bigint; done bigint := 0;
      failed_state text; failed_message text; failed_detail text; failed_constraint text; failed_column text;
    BEGIN
      LOOP
        SELECT pg_catalog.max(piece.n), pg_catalog.count(*) INTO high, found
          FROM (SELECT candidate.${number} AS n FROM ${CANDIDATES} AS candidate WHERE candidate.${number} > sluice_piece.low ORDER BY 1 LIMIT sluice_piece.most) AS piece;
        EXIT WHEN sluice_piece.high IS NULL;
        BEGIN
          ${update === undefined ? 'got := 0;' : `FOR got IN ${update} LOOP done := sluice_piece.done + sluice_piece.got; END LOOP;`}
          ${insert};
          GET DIAGNOSTICS got = ROW_COUNT;
          done := sluice_piece.done + sluice_piece.got;
          low := sluice_piece.high;
          since_bad := sluice_piece.since_bad + sluice_piece.found;
          most := CASE WHEN sluice_piece.bad_until > sluice_piece.high THEN GREATEST(sluice_piece.found / 2, 1) ELSE LEAST(sluice_piece.most * 2, ${LARGEST_PIECE}) END;
        EXCEPTION WHEN OTHERS THEN
          GET STACKED DIAGNOSTICS failed_state = RETURNED_SQLSTATE, failed_message = MESSAGE_TEXT, failed_detail = PG_EXCEPTION_DETAIL,
            failed_constraint = CONSTRAINT_NAME, failed_column = COLUMN_NAME;
          IF pg_catalog.left(sluice_piece.failed_state, 2) IN (${NOT_OF_ROWS_SQL}) OR sluice_piece.failed_state = '42501' THEN RAISE; END IF;
          bad_until := sluice_piece.high;
          IF sluice_piece.found > 1 THEN
            most := sluice_piece.found / 2;
          ELSE
            INSERT INTO ${rejected} (load, n, state, message, detail, violated, field)
              VALUES (${load ?? 'NULL'}, sluice_piece.high, sluice_piece.failed_state, sluice_piece.failed_message, NULLIF(sluice_piece.failed_detail, ''), NULLIF(sluice_piece.failed_constraint, ''), NULLIF(sluice_piece.failed_column, ''));
            low := sluice_piece.high;
            most := GREATEST(sluice_piece.since_bad / 4, 1);
            since_bad := 0;
          END IF;
        END;
      END LOOP;
      RETURN sluice_piece.done;
    END`;
  return {
    prepare: [
      `CREATE TEMP TABLE ${CANDIDATES} ON COMMIT DROP AS SELECT * FROM ${candidates} AS candidate ORDER BY ${number}`,
      `CREATE UNIQUE INDEX ON ${CANDIDATES} (${number}); ANALYZE ${CANDIDATES} (${number})`,
      `CREATE OR REPLACE FUNCTION ${NAME}() RETURNS bigint LANGUAGE plpgsql AS ${quoteLiteral(body)}`,
    ].join('; '),
    call: `SELECT ${NAME}()`,
    cleanUp: `DROP FUNCTION ${NAME}(); DROP TABLE ${CANDIDATES}`,
  };
}
