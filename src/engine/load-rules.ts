/**
 * When a text may become a value of the engine. The engine's casts are generous and silently lossy: '1.5' becomes the integer 2, '1.239' the
 * decimal 1.24, '2024-01-01 later' a date, '10:00+02' a timestamp without its zone, '1e400' infinity. Data must not be lost that way, so every
 * text is tested:
 *
 *   attempt    the value, or NULL where the engine cannot read the text;
 *   sure       a cheap test, true for nearly all texts, that proves the attempt exact (mostly: the value written back is the same text);
 *   otherwise  what happens to the rest: accepted by its shape (`+5`, `1.50` in two decimals, `2024-01-01T10:00:00Z`), or refused.
 *
 * Rounding of decimal text to binary floats is what those types mean and is no loss; overflow and underflow are refused.
 */
import { exactInJson } from './column-types.ts';
import { isScalar, type EngineType, type ScalarName } from './engine-type.ts';
import { quoteString } from './quoting.ts';

interface LoadRule {
  attempt(text: string): string;
  sure(text: string, value: string): string;
  /** As `sure`, and cheaper, for text that a database wrote in the form of rows/row-encoding.ts; default `sure`. */
  canonical?(text: string, value: string): string;
  /** Conditions under which `value` is taken all the same, as WHEN clauses. */
  otherwise(text: string, value: string): string;
}

const SAME_TEXT = (text: string, value: string): string => `CAST(${value} AS VARCHAR) = ${text}`;
const READABLE = (_text: string, value: string): string => `${value} IS NOT NULL`;
const REFUSE = (): string => '';
const NOT_BEFORE_CHRIST = (text: string, value: string): string => `${value} IS NOT NULL AND NOT ends_with(${text}, 'C')`;

/** The rule for a type; undefined for nested types that text cannot carry exactly, and for text itself, which needs none. */
export function loadRuleFor(type: EngineType): LoadRule | undefined {
  if (type.kind === 'decimal') return decimalRule(type.width, type.scale);
  if (type.kind === 'list' && (type.element.kind === 'scalar' || type.element.kind === 'decimal')) return listRule(type);
  if (type.kind !== 'scalar') return exactInJson(type) ? { attempt: (text) => `TRY(CAST(CAST(${text} AS JSON) AS ${type.sql}))`, sure: READABLE, otherwise: REFUSE } : undefined;
  return scalarRule(type.name, type.sql);
}

export function isText(type: EngineType): boolean {
  return isScalar(type, 'VARCHAR');
}

function scalarRule(name: ScalarName, sql: string): LoadRule | undefined {
  const attempt = (text: string): string => `TRY_CAST(${text} AS ${sql})`;
  switch (name) {
    case 'VARCHAR': return undefined;
    case 'TINYINT': case 'UTINYINT': case 'SMALLINT': case 'USMALLINT': case 'INTEGER': case 'UINTEGER': case 'BIGINT': case 'UBIGINT': case 'HUGEINT': case 'UHUGEINT':
      return { attempt, sure: SAME_TEXT, canonical: (text, value) => `${value} IS NOT NULL AND NOT contains(${text}, '.')`, otherwise: (text, value) => shape(text, value, String.raw`\s*[-+]?[0-9]+(\.0*)?\s*`) };
    case 'FLOAT': case 'DOUBLE': return { attempt, sure: (_text, value) => `isfinite(${value}) AND ${value} <> 0`, otherwise: floatRest };
    case 'DATE': return { attempt, sure: SAME_TEXT, canonical: NOT_BEFORE_CHRIST, otherwise: (text, value) => beforeChrist(text, sql) + shape(text, value, DATE_SHAPE + MIDNIGHT) };
    case 'TIMESTAMP': return { attempt, sure: SAME_TEXT, canonical: NOT_BEFORE_CHRIST, otherwise: (text, value) => beforeChrist(text, sql) + shape(text, value, `${DATE_SHAPE}([ T]${TIME_SHAPE})?${UTC}`) };
    case 'TIMESTAMPTZ': return { attempt, sure: SAME_TEXT, canonical: NOT_BEFORE_CHRIST, otherwise: (text, value) => beforeChrist(text, sql) + shape(text, value, `${DATE_SHAPE}([ T]${TIME_SHAPE})?${ZONE}`) };
    case 'TIME': return { attempt, sure: SAME_TEXT, otherwise: (text, value) => shape(text, value, TIME_SHAPE) };
    case 'TIMETZ': return { attempt, sure: SAME_TEXT, otherwise: (text, value) => shape(text, value, TIME_SHAPE + ZONE) };
    case 'INTERVAL': return intervalRule();
    case 'BLOB': return { attempt: (text) => `CASE WHEN starts_with(${text}, '\\x') AND length(${text}) % 2 = 0 THEN TRY(unhex(substr(${text}, 3))) END`, sure: READABLE, otherwise: REFUSE };
    case 'OTHER': return { attempt, sure: /^(ENUM|BIT|GEOMETRY)/.test(sql) ? READABLE : SAME_TEXT, otherwise: REFUSE };
    default: return { attempt, sure: READABLE, otherwise: REFUSE }; // BOOLEAN, UUID, JSON
  }
}

const DATE_SHAPE = String.raw`\s*[0-9]{1,7}[-/][0-9]{1,2}[-/][0-9]{1,2}`;
const MIDNIGHT = String.raw`([ T]00:00(:00(\.0+)?)?)?\s*`;
/** At most microseconds that are not zero. */
const TIME_SHAPE = String.raw`[0-9]{1,2}:[0-9]{1,2}(:[0-9]{1,2}(\.[0-9]{1,6}0*)?)?`;
const UTC = String.raw` ?(Z|UTC|[+-]00(:?00)?)?\s*`;
const ZONE = String.raw` ?(Z|UTC|[+-][0-9]{2}(:?[0-9]{2}(:?[0-9]{2})?)?)?\s*`;
const TOO_FINE = String.raw`\.[0-9]{6}[0-9]*[1-9]`;

function shape(text: string, value: string, pattern: string): string {
  return `WHEN ${value} IS NOT NULL AND regexp_full_match(${text}, ${quoteString(pattern)}) THEN ${value} `;
}

/** `0044-03-15 12:00:00 BC` in the engine's own words: `0044-03-15 (BC) 12:00:00`. */
function beforeChrist(text: string, sql: string): string {
  const own = `regexp_replace(${text}, '^(\\S+)( .*)? BC$', '\\1 (BC)\\2')`;
  return `WHEN ends_with(${text}, ' BC') AND TRY_CAST(${own} AS ${sql}) IS NOT NULL AND NOT regexp_matches(${text}, '${TOO_FINE}') THEN TRY_CAST(${own} AS ${sql}) `;
}

/** Zeros and what is not finite: only when the text says so, not by underflow and overflow. */
function floatRest(text: string, value: string): string {
  return `WHEN ${value} = 0 AND NOT regexp_matches(${text}, '^[^eE]*[1-9]') THEN ${value} `
    + `WHEN NOT isfinite(${value}) AND regexp_full_match(${text}, '(?i)\\s*[-+]?(nan|inf|infinity)\\s*') THEN ${value} `;
}

function intervalRule(): LoadRule {
  return {
    // PostgreSQL writes a plus sign where signs change: `-1 days +02:03:04`.
    attempt: (text) => `TRY_CAST(replace(ltrim(${text}, '+'), ' +', ' ') AS INTERVAL)`,
    sure: (text, value) => `${value} IS NOT NULL AND NOT contains(${text}, '.')`,
    otherwise: (text, value) => `WHEN ${value} IS NOT NULL AND NOT regexp_matches(${text}, '${TOO_FINE}') THEN ${value} `,
  };
}

function decimalRule(width: number, scale: number): LoadRule {
  const fewDecimals = (text: string): string => `(instr(${text}, '.') = 0 OR strlen(${text}) - instr(${text}, '.') <= ${scale})`;
  return {
    attempt: (text) => `TRY_CAST(${text} AS DECIMAL(${width},${scale}))`,
    sure: SAME_TEXT,
    canonical: (text, value) => `${value} IS NOT NULL AND ${fewDecimals(text)}`,
    // Fewer decimals than the scale; the shape test that could say the same is slower by half.
    otherwise: (text, value) => `WHEN ${value} IS NOT NULL AND ${fewDecimals(text)} AND NOT contains(${text}, 'e') AND NOT contains(${text}, 'E') THEN ${value} `
      + shape(text, value, String.raw`\s*[-+]?[0-9]*(\.[0-9]{0,${scale}}0*)?\s*`)
      // With an exponent: at most 15 digits are told apart by doubles, so equal doubles are equal decimals.
      + `WHEN ${value} IS NOT NULL AND regexp_full_match(${text}, '[-+]?[0-9]*\\.?[0-9]*[eE][-+]?[0-9]+') AND length(regexp_replace(regexp_replace(${text}, '[eE].*', ''), '[^0-9]', '', 'g')) <= 15 AND CAST(${value} AS DOUBLE) = TRY_CAST(${text} AS DOUBLE) THEN ${value} `,
  };
}

/** A JSON array. Elements are taken as texts, each of which is then judged like a column's. */
function listRule(type: Extract<EngineType, { kind: 'list' }>): LoadRule {
  const { element } = type;
  // The engine's JSON reader would read long numbers as doubles; its list reader keeps their digits, but does not know JSON's escapes.
  const numeric = element.kind === 'decimal' || (element.kind === 'scalar' && !['VARCHAR', 'JSON', 'BLOB', 'UUID', 'OTHER'].includes(element.name));
  const texts = (text: string): string => (numeric ? `TRY_CAST(${text} AS VARCHAR[])` : `TRY(from_json(${text}, '["VARCHAR"]'))`);
  const rule = loadRuleFor(element);
  if (rule === undefined) return { attempt: texts, sure: READABLE, otherwise: REFUSE };
  const value = rule.attempt('e');
  const exact = `CASE WHEN ${rule.sure('e', value)} THEN ${value} ${rule.otherwise('e', value)}END`;
  return {
    attempt: (text) => `list_transform(${texts(text)}, lambda e: ${exact})`,
    // An element that was refused is NULL in the list and not in the texts.
    sure: (text, list) => `${list} IS NOT NULL AND list_count(${list}) = list_count(${texts(text)})`,
    otherwise: REFUSE,
  };
}
