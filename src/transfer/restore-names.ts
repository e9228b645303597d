/**
 * Finds the table that a name of a backup means: a file name (`UserAccounts`, `public.users`), a key of a document, a table of a dump. The first of these
 * that leads to a table decides: the same name; the same without regard to case; the same words (`UserAccount` is `user_account`); the same
 * words in singular or plural. Where one of them leads to several tables nothing is guessed. A number at the end may be that of one file of several (`users.1`,
 * `users-part-02`), where the name as a whole is no table.
 */
import { SluiceError } from '../errors/sluice-error.ts';
import { displayName, type TableName, type TableSchema } from '../rows/table-schema.ts';
import { snakeCase } from './column-matching.ts';

/** Names of the schema that a connection takes for its default one: its tables are listed without it. */
const USUAL_SCHEMAS: ReadonlySet<string> = new Set(['public', 'main']);

/**
 * @returns the table as the target lists it, or undefined when there is none
 * @throws SluiceError TABLE_AMBIGUOUS
 */
export function findTable(wanted: TableName, tables: readonly TableSchema[], source: string): TableSchema | undefined {
  for (const reading of readingsOf(wanted, tables)) {
    const inSchema = tables.filter((table) => reading.schema === undefined || isIn(table, reading.schema));
    for (const matches of RULES) {
      const found = preferDefault(inSchema.filter((table) => matches(reading.name, table.name)), reading);
      if (found.length === 1) return found[0];
      if (found.length > 1) throw ambiguous(source, found);
    }
  }
  return undefined;
}

/** What a table is to be called that the restore creates: `public.users` in its schema where that is one, else the name as it is. */
export function nameOfNew(wanted: TableName, tables: readonly TableSchema[]): TableName {
  return wanted.schema === undefined ? readingsOf(wanted, tables)[0] : wanted;
}

/** The same words, with or without the default schema: nothing had to be guessed. */
export function isSameName(name: string, table: TableName): boolean {
  const dot = name.indexOf('.');
  const names = USUAL_SCHEMAS.has(name.slice(0, dot)) ? [name, name.slice(dot + 1)] : [name];
  return names.some((one) => [table.name, displayName(table)].some((other) => snakeCase(one) === snakeCase(other)));
}

type Rule = (wanted: string, table: string) => boolean;

const RULES: readonly Rule[] = [
  (wanted, table) => table === wanted,
  (wanted, table) => table.toLowerCase() === wanted.toLowerCase(),
  (wanted, table) => snakeCase(table) === snakeCase(wanted),
  (wanted, table) => singular(snakeCase(table)) === singular(snakeCase(wanted)),
];

/** `users.1` and `users-part-02` → `users`; a name without such a number as it is. */
export function withoutPartNumber(name: string): string {
  return /^(.*?[^._-])[._-](?:part[._-]?)?\d{1,5}$/i.exec(name)?.[1] ?? name;
}

/** The ways to read a name, the likeliest first. */
function readingsOf(wanted: TableName, tables: readonly TableSchema[]): TableName[] {
  const whole = readingsOfWhole(wanted, tables);
  const base = withoutPartNumber(wanted.name);
  return base === wanted.name ? whole : [...whole, ...readingsOfWhole({ ...wanted, name: base }, tables)];
}

function readingsOfWhole(wanted: TableName, tables: readonly TableSchema[]): TableName[] {
  const { schema, name } = wanted;
  const isSchema = (text: string): boolean => USUAL_SCHEMAS.has(text) || tables.some((table) => table.schema === text);
  if (schema !== undefined) return isSchema(schema) ? [wanted] : [{ name }, wanted];
  const dot = name.indexOf('.');
  if (dot <= 0 || dot === name.length - 1 || tables.some((table) => table.name === name)) return [wanted];
  const first = name.slice(0, dot);
  return isSchema(first) ? [{ schema: first, name: name.slice(dot + 1) }, wanted] : [wanted];
}

function isIn(table: TableSchema, schema: string): boolean {
  return table.schema === schema || (table.schema === undefined && USUAL_SCHEMAS.has(schema));
}

/** A name without a schema means the default one, as in SQL. */
function preferDefault(found: TableSchema[], reading: TableName): TableSchema[] {
  const inDefault = found.filter((table) => table.schema === undefined);
  return reading.schema === undefined && inDefault.length > 0 ? inDefault : found;
}

function ambiguous(source: string, found: readonly TableName[]): SluiceError {
  return new SluiceError('TABLE_AMBIGUOUS', { source, candidates: found.map(displayName).join(', ') }, { file: source });
}

const IRREGULAR: Readonly<Record<string, string>> = {
  people: 'person', children: 'child', men: 'man', women: 'woman', mice: 'mouse', feet: 'foot', teeth: 'tooth', geese: 'goose', criteria: 'criterion',
  indices: 'index', matrices: 'matrix', vertices: 'vertex', data: 'datum', media: 'medium', statuses: 'status', analyses: 'analysis', news: 'news', series: 'series',
};

/** The last word of a snake_case name in its singular. Only ever compared with another result: a form that is no English word does no harm. */
export function singular(name: string): string {
  const [, head, last] = /^(.*_)?([^_]*)$/.exec(name)!;
  return `${head ?? ''}${singularWord(last)}`;
}

function singularWord(word: string): string {
  if (Object.hasOwn(IRREGULAR, word)) return IRREGULAR[word];
  if (/[^aeiou]ies?$/.test(word) && word.length > 4) return word.replace(/ies?$/, 'y');
  if (/(?:ss|sh|ch|x|zz)es$/.test(word)) return word.slice(0, -2);
  if (/(?:ss|us|is)$/.test(word)) return word;
  return word.endsWith('s') && word.length > 2 ? word.slice(0, -1) : word;
}
