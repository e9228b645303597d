/** Rows that differ as people want to see them: by their key, and of changed ones what has changed. */
import type { ComparedTable } from '../../connectors/compare-source.ts';
import type { TableEntry } from '../repository/entry-list.ts';
import type { RowExample } from './comparison-report.ts';
import type { DifferentRow, SidedRow } from './row-differences.ts';
import { unescapedText, type Field } from './row-fields.ts';

/** Of a row without a key, and of changes: more columns are not shown. */
const MOST_COLUMNS = 6;
const MOST_CHARACTERS = 80;
/** A longer value is not asked of the server. */
const MOST_BYTES = 2000;

export async function rowExamples(rows: readonly DifferentRow[], entry: TableEntry, table: ComparedTable): Promise<RowExample[]> {
  const columns = entry.columns.map(({ name }) => name);
  const shown = table.key.length > 0 && table.key.every((name) => columns.includes(name)) ? table.key : columns.slice(0, MOST_COLUMNS);
  const texts = new FieldTexts(columns, entry.encoding, table);
  const examples: RowExample[] = [];
  for (const different of rows) {
    const row: Record<string, string | null> = {};
    for (const name of shown) row[name] = await texts.of(different.row, name);
    examples.push({ kind: different.kind, row, ...(different.kind === 'changed' ? { changes: await changesOf(different.row, different.now, columns, texts) } : {}) });
  }
  return examples;
}

// oxlint-disable-next-line max-params -- two rows, and how they are shown
async function changesOf(before: SidedRow, now: SidedRow, columns: readonly string[], texts: FieldTexts): Promise<Record<string, [string | null, string | null]>> {
  const changes: Record<string, [string | null, string | null]> = {};
  for (const [i, name] of columns.entries()) {
    if (Object.keys(changes).length === MOST_COLUMNS) break;
    if (!isSameField(before.fields[i], now.fields[i])) changes[name] = [await texts.of(before, name), await texts.of(now, name)];
  }
  return changes;
}

/** What was cut off is not known to differ. */
function isSameField(one: Field, other: Field): boolean {
  if (one === undefined || other === undefined) return one === other;
  return one === null || other === null ? one === other : Buffer.compare(one, other) === 0;
}

class FieldTexts {
  readonly #columns: readonly string[];
  readonly #isBinary: boolean;
  readonly #table: ComparedTable;

  constructor(columns: readonly string[], encoding: TableEntry['encoding'], table: ComparedTable) {
    this.#columns = columns;
    this.#isBinary = encoding === 'copy-binary';
    this.#table = table;
  }

  async of(row: SidedRow, column: string): Promise<string | null> {
    const field = row.fields[this.#columns.indexOf(column)];
    if (field === undefined) return `(in a row of ${row.length} bytes)`;
    if (field === null) return null;
    if (field.length > MOST_BYTES) return `(${field.length} bytes)`;
    const text = this.#isBinary ? await this.#table.textOf(column, field).catch(() => `\\x${Buffer.from(field).toString('hex')}`) : unescapedText(field);
    return text.length > MOST_CHARACTERS ? `${text.slice(0, MOST_CHARACTERS)}…` : text;
  }
}
