import { SluiceError } from '../errors/sluice-error.ts';
import { displayName, type TableName, type TableSchema } from '../rows/table-schema.ts';
import { snakeCase, suggest } from './column-matching.ts';
import { parseTableName, sourceTableName, type SourceTable } from './import-target.ts';
import { findTable, isSameName, nameOfNew, withoutPartNumber } from './restore-names.ts';
import type { RestoreOptions } from './transfer.ts';

/** Matches that one note names. */
const NAMED_MATCHES = 5;

/**
 * Decides where each table of a backup goes, once for each name: --map-table first, then the target's tables by their names, else a new table. --table
 * and --exclude may name a table as the target or as the backup does.
 */
export class TableResolver {
  readonly #options: Pick<RestoreOptions, 'tables' | 'exclude' | 'mapTables'>;
  readonly #tables: readonly TableSchema[];
  readonly #connection: string;
  /** By name in the backup. */
  readonly #resolved = new Map<string, TableName | null>();
  /** Name in the backup, by target. */
  readonly #takenBy = new Map<string, string>();
  readonly #targets = new Map<string, TableName>();
  /** Names of options that led to a table. */
  readonly #used = new Set<string>();
  readonly #leftOut: string[] = [];
  /** Names that are not those of their tables. */
  readonly #matches: { readonly key: string; readonly table: string; readonly isGuess: boolean }[] = [];

  constructor(options: Pick<RestoreOptions, 'tables' | 'exclude' | 'mapTables'>, tables: readonly TableSchema[], connection: string) {
    this.#options = options;
    this.#tables = tables;
    this.#connection = connection;
  }

  /** Null: left out. @throws SluiceError TABLE_AMBIGUOUS, TABLE_TWICE */
  resolve(source: SourceTable): TableName | null {
    const own = sourceTableName(source);
    const key = displayName(own);
    const known = this.#resolved.get(key);
    if (known !== undefined) return known;
    const name = this.#decide(own, source);
    this.#resolved.set(key, name);
    return name;
  }

  /** Whether the target has the table that this one means. */
  exists(source: SourceTable): boolean {
    const own = sourceTableName(source);
    return this.#mapped(own) !== undefined || findTable(own, this.#tables, displayName(own)) !== undefined;
  }

  /** What is said of the tables: in a plan each match of unlike names, for a run only the guesses among them, in one line. */
  notes(isPlan: boolean): string[] {
    const matches = isPlan ? this.#matches : this.#matches.filter(({ isGuess }) => isGuess);
    const texts = matches.map(({ key, table }) => `${key} is the table ${table}`);
    if (isPlan || texts.length === 0) return [...this.#leftOut, ...texts];
    const more = texts.length - NAMED_MATCHES;
    return [...this.#leftOut, `by similar names: ${texts.slice(0, NAMED_MATCHES).join(', ')}${more > 0 ? `, and ${more} more (--dry-run lists all)` : ''}`];
  }

  /** In the order in which they were resolved. */
  targets(): TableName[] {
    return [...this.#targets.values()];
  }

  /** @throws SluiceError TABLE_UNKNOWN for a name in the options that no table of the backup has */
  requireNamed(): void {
    const named = [...(this.#options.tables ?? []), ...(this.#options.exclude ?? []), ...Object.keys(this.#options.mapTables ?? {})];
    const unknown = named.find((name) => !this.#used.has(name));
    if (unknown === undefined) return;
    throw new SluiceError('TABLE_UNKNOWN', { table: unknown, connection: 'the backup', suggestion: suggest(unknown, [...this.#resolved.keys()]) }, { table: unknown });
  }

  #decide(own: TableName, source: SourceTable): TableName | null {
    const key = displayName(own);
    const mapped = this.#mapped(own);
    // What is left out must not be found ambiguous before.
    if (mapped === undefined && this.#isNamed(this.#options.exclude, [key, own.name])) return null;
    const existing = findTable(mapped ?? own, this.#tables, mapped === undefined ? key : displayName(mapped));
    const target = existing === undefined ? (mapped ?? nameOfNew(own, this.#tables)) : { ...(existing.schema === undefined ? {} : { schema: existing.schema }), name: existing.name };
    const names = [key, own.name, displayName(target), target.name];
    const isWanted = this.#options.tables === undefined || this.#isNamed(this.#options.tables, names);
    if (this.#isNamed(this.#options.exclude, names) || !isWanted) return null;
    if (existing === undefined && source.table.columns.length === 0) {
      this.#leftOut.push(`left out: ${key} (no records, and ${this.#connection} has no such table)`);
      return null;
    }
    this.#take(target, key);
    return target;
  }

  #take(target: TableName, key: string): void {
    const table = displayName(target);
    const other = this.#takenBy.get(table);
    const said = this.#options.mapTables !== undefined && Object.hasOwn(this.#options.mapTables, key);
    const isNextPart = other !== undefined && withoutPartNumber(other) === withoutPartNumber(key);
    if (other !== undefined && !said && !isNextPart) throw new SluiceError('TABLE_TWICE', { source: key, other, table }, { table });
    this.#takenBy.set(table, key);
    this.#targets.set(table, target);
    if (key !== table && key !== target.name) this.#matches.push({ key, table, isGuess: !said && !isSameName(key, target) });
  }

  #mapped(own: TableName): TableName | undefined {
    const map = this.#options.mapTables ?? {};
    const key = [displayName(own), own.name].find((name) => Object.hasOwn(map, name));
    if (key === undefined) return undefined;
    this.#used.add(key);
    return parseTableName(map[key]);
  }

  /** Exactly, or by the same words. */
  #isNamed(wanted: readonly string[] | undefined, names: readonly string[]): boolean {
    const found = (wanted ?? []).filter((name) => names.some((one) => one === name || snakeCase(one) === snakeCase(name)));
    for (const name of found) this.#used.add(name);
    return found.length > 0;
  }
}
