import { SluiceError } from '../errors/sluice-error.ts';
import type { Column } from '../rows/table-schema.ts';

/** A source field and the column it goes to. */
export interface MatchedField {
  readonly source: Column;
  readonly column: string;
}

export interface Matching {
  readonly fields: readonly MatchedField[];
  /** Source fields left out on purpose. */
  readonly ignored: readonly string[];
}

export interface MatchingRules {
  readonly map?: Readonly<Record<string, string>>;
  readonly columns?: readonly string[];
}

/**
 * Decides which source field goes to which column. An explicit --map wins, then the exact name, the name without regard to case, and last the
 * snake_case form (`firstName` → `first_name`), each only against the columns of an existing table. A field that finds no
 * column is an error, never dropped: leaving out is what --columns is for.
 * @param existing column names of the target; undefined when the table is to be created
 */
export function matchColumns(fields: readonly Column[], existing: readonly string[] | undefined, rules: MatchingRules, table: string, source: string): Matching {
  const wanted = rules.columns === undefined ? undefined : new Set(rules.columns);
  for (const name of [...(wanted ?? []), ...Object.keys(rules.map ?? {})]) {
    if (!fields.some((field) => field.name === name)) throw unknownField(name, fields, source);
  }
  const matched: MatchedField[] = [];
  const ignored: string[] = [];
  const takenBy = new Map<string, string>();
  for (const field of fields) {
    if (wanted !== undefined && !wanted.has(field.name)) {
      ignored.push(field.name);
      continue;
    }
    const column = columnFor(field.name, existing, rules.map, table);
    const other = takenBy.get(column);
    if (other !== undefined) {
      throw new SluiceError('USAGE', { what: `The fields "${other}" and "${field.name}" of ${source} both go to column "${column}" of ${table}; say --map` });
    }
    takenBy.set(column, field.name);
    matched.push({ source: field, column });
  }
  return { fields: matched, ignored };
}

function columnFor(field: string, existing: readonly string[] | undefined, map: MatchingRules['map'], table: string): string {
  const mapped = map !== undefined && Object.hasOwn(map, field) ? map[field] : undefined;
  if (existing === undefined) return mapped ?? field;
  const name = mapped ?? field;
  const found = findColumn(name, existing);
  if (found !== undefined) return found;
  throw new SluiceError('COLUMN_UNKNOWN', { table, column: name, suggestion: suggest(name, existing) }, { table, column: name });
}

export function findColumn(name: string, existing: readonly string[]): string | undefined {
  return existing.find((column) => column === name)
    ?? existing.find((column) => column.toLowerCase() === name.toLowerCase())
    ?? existing.find((column) => column === snakeCase(name))
    ?? existing.find((column) => snakeCase(column) === snakeCase(name));
}

function unknownField(name: string, fields: readonly Column[], source: string): SluiceError {
  const suggestion = suggest(name, fields.map((field) => field.name));
  return new SluiceError('COLUMN_UNKNOWN', { table: source, column: name, suggestion }, { file: source, column: name });
}

/** `firstName`, `First Name`, `HTTPServer-ID` → `first_name`, `first_name`, `http_server_id`. */
export function snakeCase(name: string): string {
  return name
    .replace(/(\p{Ll}|\p{N})(\p{Lu})/gu, '$1_$2')
    .replace(/(\p{Lu})(\p{Lu}\p{Ll})/gu, '$1_$2')
    .replace(/[^\p{L}\p{N}]+/gu, '_')
    .replace(/^_+|_+$/g, '')
    .toLowerCase();
}

const MAX_LISTED = 20;

/** A hint that names the nearest candidate, or lists what there is. */
export function suggest(name: string, candidates: readonly string[]): string {
  const nearest = candidates
    .map((candidate) => ({ candidate, distance: editDistance(name.toLowerCase(), candidate.toLowerCase()) }))
    .filter(({ distance }) => distance <= Math.max(1, Math.floor(name.length / 3)))
    .sort((a, b) => a.distance - b.distance)[0];
  if (nearest !== undefined) return `Did you mean "${nearest.candidate}"?`;
  if (candidates.length === 0) return 'There is none at all.';
  const listed = candidates.slice(0, MAX_LISTED).map((candidate) => `"${candidate}"`).join(', ');
  return `There is: ${listed}${candidates.length > MAX_LISTED ? ` and ${candidates.length - MAX_LISTED} more` : ''}.`;
}

/** Levenshtein distance by the two-row method. */
function editDistance(a: string, b: string): number {
  let previous = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i++) {
    const current = [i];
    for (let j = 1; j <= b.length; j++) {
      const substituted = previous[j - 1] + (a[i - 1] === b[j - 1] ? 0 : 1);
      current.push(Math.min(previous[j] + 1, current[j - 1] + 1, substituted));
    }
    previous = current;
  }
  return previous[b.length];
}
