/**
 * Where the rows of a PostgreSQL table are. PostgreSQL has no positions, so they are counted once: through the key's index, or, where there is no key, through the pages of the table, a range of them
 * at a time. Every so many rows a mark is kept (the key there, or the page), and with marks a page of rows is found anywhere by counting a little way from the one before it.
 *
 * Nothing is counted without an end: `extend` takes the time that it is given and goes on another time. Marks are bounded: when there are too many, every second one goes and they are set half as often. What others
 * insert or delete later moves what is behind it; whoever wants to know counts anew.
 */
import type { Connection } from '../connectors/connector.ts';
import { quoteIdentifier, quoteString } from '../engine/quoting.ts';
import type { TableSchema } from '../rows/table-schema.ts';
import { readText, relationOf } from './table-page.ts';

const MOST_MARKS = 1000;
/** Rows from mark to mark, of keys: so many index entries are passed in some ten milliseconds. */
const FIRST_ROWS = 50_000;
/** Pages of the table from mark to mark: 4 MiB. */
const FIRST_PAGES = 512;
/** What one statement counts; between two the time is looked at. */
const ROWS_A_STATEMENT = 2_000_000;
const PAGES_A_STATEMENT = 65_536;

export interface Mark {
  readonly position: number;
  /** Values of the key of the row there; or the number of the page that begins there. */
  readonly place: readonly string[];
}

/** `none`: a view, a foreign or a partitioned table without a key has nothing to mark. */
export type SurveyKind = 'key' | 'page' | 'none';

export class TableSurvey {
  /** Known once it has begun. */
  kind: SurveyKind | undefined;
  #marks: Mark[] = [];
  #spacing = 0;
  #turn: Promise<void> = Promise.resolve();
  /** Rows that were counted, from the beginning. */
  counted = 0;
  isComplete = false;
  /** The first page that was not counted. */
  nextPage = 0;

  /** Rows or pages from mark to mark. */
  get spacing(): number {
    return this.#spacing;
  }

  get last(): Mark | undefined {
    return this.#marks.at(-1);
  }

  /** One after the other: two that count on from the same place would count it twice. */
  exclusively<T>(work: () => Promise<T>): Promise<T> {
    const turn = this.#turn.then(work);
    this.#turn = turn.then(() => undefined, () => undefined);
    return turn;
  }

  begin(kind: SurveyKind): void {
    this.kind = kind;
    this.#spacing = kind === 'key' ? FIRST_ROWS : FIRST_PAGES;
  }

  add(mark: Mark): void {
    this.#marks.push(mark);
    if (this.#marks.length <= MOST_MARKS) return;
    this.#marks = this.#marks.filter((_, index) => index % 2 === 0);
    this.#spacing *= 2;
  }

  /** The nearest at or before a position. */
  before(position: number): Mark | undefined {
    return this.#marks[this.#countUpTo(position) - 1];
  }

  /** The nearest behind a position. */
  after(position: number): Mark | undefined {
    return this.#marks[this.#countUpTo(position)];
  }

  #countUpTo(position: number): number {
    let [low, high] = [0, this.#marks.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.#marks[middle].position <= position) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

export interface Extension {
  /** Far enough when this is counted; default all. */
  readonly to?: number;
  readonly milliseconds: number;
  readonly signal: AbortSignal;
}

/** Counts on from where the survey ends, for so long. */
// oxlint-disable-next-line max-params -- the table, what is known of it, and how far
export async function extendSurvey(connection: Connection, table: TableSchema, survey: TableSurvey, { to = Infinity, milliseconds, signal }: Extension): Promise<void> {
  const deadline = performance.now() + milliseconds;
  const relation = relationOf(table, connection.kind);
  await survey.exclusively(async () => {
    if (await kindOf(connection, table, survey, signal) === 'none') return;
    const step = survey.kind === 'key' ? countByKey : countPages;
    while (!survey.isComplete && survey.counted <= to && performance.now() < deadline) await step({ connection, relation, keys: table.primaryKey, survey, signal });
  });
}

interface Step {
  readonly connection: Connection;
  readonly relation: string;
  readonly keys: readonly string[];
  readonly survey: TableSurvey;
  readonly signal: AbortSignal;
}

/** Asks for no turn: whoever wants rows that are near does not wait for a count. */
// oxlint-disable-next-line max-params -- the table, and what is known of it
export async function kindOf(connection: Connection, table: TableSchema, survey: TableSurvey, signal: AbortSignal): Promise<SurveyKind> {
  if (survey.kind !== undefined) return survey.kind;
  const found = table.primaryKey.length > 0 ? 'key' : await hasPages(connection, relationOf(table, connection.kind), signal) ? 'page' : 'none';
  if (survey.kind === undefined) survey.begin(found);
  return found;
}

async function hasPages(connection: Connection, relation: string, signal: AbortSignal): Promise<boolean> {
  const [[kind]] = await readText(connection, `SELECT relkind FROM pg_catalog.pg_class WHERE oid = ${quoteString(relation)}::regclass`, 1, signal);
  return kind === 'r' || kind === 'm';
}

/** Some marks further, or to the end: all of them in one pass through the index. */
async function countByKey({ connection, relation, keys, survey, signal }: Step): Promise<void> {
  const names = keys.map(quoteIdentifier).join(', ');
  const { last, spacing } = survey;
  const marks = Math.max(1, Math.floor(ROWS_A_STATEMENT / spacing));
  const from = (mark: Mark | undefined): string => (mark === undefined ? '' : `WHERE (${names}) >= (${mark.place.map(quoteString).join(', ')})`);
  const first = `SELECT ${names} FROM ${relation} ${from(last)} ORDER BY ${names} LIMIT 1 OFFSET ${last === undefined ? 0 : spacing}`;
  const columns = keys.map((_, index) => `k${index}`);
  const before = columns.map((name) => `mark.${name}`).join(', ');
  // From each mark to the next one.
  const found = await readText(connection, `WITH RECURSIVE mark (n, ${columns.join(', ')}) AS (
      SELECT 1, first.* FROM (${first}) AS first
      UNION ALL SELECT mark.n + 1, next.* FROM mark, LATERAL (SELECT ${names} FROM ${relation} WHERE (${names}) >= (${before}) ORDER BY ${names} LIMIT 1 OFFSET ${spacing}) AS next WHERE mark.n < ${marks}
    ) SELECT ${columns.map((name) => `CAST(${name} AS text) AS ${name}`).join(', ')} FROM mark ORDER BY n`, keys.length, signal);
  const known = last === undefined ? 0 : 1;
  for (const [index, key] of found.entries()) survey.add({ position: (last?.position ?? 0) + (index + known) * spacing, place: key.map((value) => value ?? '') });
  const end = survey.last;
  survey.counted = end?.position ?? 0;
  if (found.length === marks) return;
  const [[rest]] = await readText(connection, `SELECT count(*) FROM (SELECT 1 FROM ${relation} ${from(end)} ORDER BY ${names} LIMIT ${spacing + 1}) AS rest`, 1, signal);
  survey.counted += Number(rest);
  survey.isComplete = true;
}

/** Some groups of pages, each by a scan of its range of tuple ids. */
async function countPages({ connection, relation, survey, signal }: Step): Promise<void> {
  const { spacing, nextPage } = survey;
  const end = nextPage + Math.max(spacing, Math.floor(PAGES_A_STATEMENT / spacing) * spacing) - 1;
  const pages = `pg_catalog.pg_relation_size(${quoteString(relation)}::regclass) / pg_catalog.current_setting('block_size')::bigint`;
  const groups = await readText(connection, `SELECT page, (SELECT count(*) FROM ${relation} WHERE ctid >= ('(' || page || ',0)')::tid AND ctid < ('(' || page + ${spacing} || ',0)')::tid) AS found
    FROM pg_catalog.generate_series(${nextPage}::bigint, least(${end}, ${pages} - 1), ${spacing}) AS page ORDER BY page`, 2, signal);
  for (const [page, found] of groups) {
    survey.add({ position: survey.counted, place: [page ?? '0'] });
    survey.counted += Number(found);
    survey.nextPage = Number(page) + spacing;
  }
  survey.isComplete = groups.length === 0;
}
