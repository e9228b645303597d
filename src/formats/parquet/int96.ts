/**
 * INT96 timestamps: a Julian day in 32 bits and nanoseconds of the day in 64. Deprecated, and still written by Spark, Hive and Impala.
 *
 * The day is signed for its writers and unsigned for the engine, which then overflows in silence: Spark's year 290000 would be read as 226414 BC.
 * No real day is before 4714-11-24 BC (day 0), so what is before it was such a day, and the difference is known: 2^32 days, modulo the 64 bits
 * of microseconds. The engine's timestamps have microseconds: finer digits of an INT96 are cut off by it, which inspection says.
 */
import { isScalar, type EngineColumn } from '../../engine/engine-type.ts';
import { quoteIdentifier } from '../../engine/quoting.ts';

const MICROSECONDS_OF_DAY = 86_400_000_000n;
const MISREAD_DAYS = 1n << 32n;
const CORRECTION = BigInt.asIntN(64, -(MISREAD_DAYS * MICROSECONDS_OF_DAY));
const FIRST_DAY = "TIMESTAMP '4714-11-24 (BC) 00:00:00'";

/** SQL of a column's value. */
export function columnValue(column: EngineColumn, int96: ReadonlySet<string>): string {
  const name = quoteIdentifier(column.name);
  if (!int96.has(column.name) || !isScalar(column.type, 'TIMESTAMP')) return name;
  // In 128 bits, because the sum passes the 64 of a timestamp before it comes back into them.
  const sum = `(CAST(epoch_us(${name}) AS HUGEINT) + ${CORRECTION} + ${1n << 64n})`;
  return `CASE WHEN ${name} < ${FIRST_DAY} AND isfinite(${name}) THEN make_timestamp(CAST(${sum} AS BIGINT)) ELSE ${name} END`;
}
