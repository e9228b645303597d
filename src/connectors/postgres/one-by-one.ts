/**
 * The last rung: an INSERT that fails for a reason that could not be judged before (a trigger raises, a check is volatile, exclusion constraints)
 * runs again on the server in pieces, in source order, each under a savepoint; a piece that fails is cut until the single row is found, and
 * rejected with the server's own words. Pieces grow again after each success, so rare bad rows cost little.
 */
import { NOT_OF_ROWS_SQL } from './errors.ts';
import { quoteLiteral } from './sql.ts';

const LARGEST_PIECE = 65_536;

export interface PiecewiseInsert {
  /** A relation with a column `n`, without the rows that are rejected already. */
  readonly candidates: string;
  /** Inserts the rows with numbers above $1, up to $2. */
  readonly insertRange: string;
  /** The table of rejected rows (rejected-rows.ts), and whose they are. */
  readonly rejected: string;
  readonly load?: number;
}

const NAME = 'pg_temp.sluice_insert_piecewise';

/** Statements; the second one answers how many rows were written. */
export function piecewiseSql({ candidates, insertRange, rejected, load }: PiecewiseInsert): readonly [create: string, call: string, drop: string] {
  const next = `SELECT pg_catalog.max(n), pg_catalog.count(*) FROM (SELECT n FROM ${candidates} AS candidate WHERE n > $1 ORDER BY n LIMIT $2) AS piece`;
  const body = `
    DECLARE
      low bigint := -9223372036854775808; high bigint; most bigint := ${LARGEST_PIECE}; found bigint; got bigint; done bigint := 0;
      failed_state text; failed_message text; failed_detail text; failed_constraint text; failed_column text;
    BEGIN
      LOOP
        EXECUTE ${quoteLiteral(next)} INTO high, found USING low, most;
        EXIT WHEN high IS NULL;
        BEGIN
          EXECUTE ${quoteLiteral(insertRange)} USING low, high;
          GET DIAGNOSTICS got = ROW_COUNT;
          done := done + got;
          low := high;
          most := LEAST(most * 4, ${LARGEST_PIECE});
        EXCEPTION WHEN OTHERS THEN
          GET STACKED DIAGNOSTICS failed_state = RETURNED_SQLSTATE, failed_message = MESSAGE_TEXT, failed_detail = PG_EXCEPTION_DETAIL,
            failed_constraint = CONSTRAINT_NAME, failed_column = COLUMN_NAME;
          IF pg_catalog.left(failed_state, 2) IN (${NOT_OF_ROWS_SQL}) OR failed_state = '42501' THEN RAISE; END IF;
          IF found > 1 THEN
            most := GREATEST(found / 4, 1);
          ELSE
            INSERT INTO ${rejected} (load, n, state, message, detail, violated, field)
              VALUES (${load ?? 'NULL'}, high, failed_state, failed_message, NULLIF(failed_detail, ''), NULLIF(failed_constraint, ''), NULLIF(failed_column, ''));
            low := high;
          END IF;
        END;
      END LOOP;
      RETURN done;
    END`;
  return [`CREATE OR REPLACE FUNCTION ${NAME}() RETURNS bigint LANGUAGE plpgsql AS ${quoteLiteral(body)}`, `SELECT ${NAME}()`, `DROP FUNCTION ${NAME}()`];
}
