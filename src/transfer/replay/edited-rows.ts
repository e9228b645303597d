/** Rejected rows that were edited one by one: each by its record as its source would have it, or by the values of its columns. */
import { SluiceError } from '../../errors/sluice-error.ts';
import type { QuarantinedRow } from '../../quarantine/quarantined-row.ts';
import type { ReplayRecipe } from '../../quarantine/replay-recipe.ts';
import { recordKey } from '../../quarantine/replays.ts';
import { encodeText } from './record-text.ts';
import { impossible, sourceOf, tableOf } from './replay-files.ts';

export interface RowEdit {
  readonly table: string;
  readonly part: number;
  readonly record: number;
  /** The whole record. */
  readonly raw?: string;
  /** By column of the load; the others stay. Needs a row whose values are known. */
  readonly values?: Readonly<Record<string, string | null>>;
}

export interface RowEdits {
  readonly rows: readonly RowEdit[];
  /** The rows that were not edited stay in the quarantine. */
  readonly only: boolean;
}

/** @throws SluiceError USAGE for an edit of a row that is not there, REPLAY_IMPOSSIBLE for values of a row that has none */
export async function* editedRows(rows: AsyncIterable<QuarantinedRow>, edits: RowEdits, recipe: ReplayRecipe): AsyncGenerator<QuarantinedRow, void, undefined> {
  const left = new Map(edits.rows.map((edit) => [keyOf(edit), edit]));
  for await (const row of rows) {
    const edit = left.get(keyOf(row));
    if (edit === undefined) {
      if (!edits.only) yield row;
      continue;
    }
    left.delete(keyOf(row));
    yield edited(row, edit, recipe);
  }
  const [missing] = left.values();
  if (missing !== undefined) throw new SluiceError('USAGE', { what: `There is no rejected row of ${missing.table} in part ${missing.part}, record ${missing.record}` });
}

function keyOf(row: { readonly table: string; readonly part: number; readonly record: number }): string {
  return `${row.table} ${recordKey(row)}`;
}

/** What was wrong with the record is past: its code no longer says that it cannot be read. */
function edited({ rawFile: _file, rawBytes: _bytes, ...row }: QuarantinedRow, { raw, values }: RowEdit, recipe: ReplayRecipe): QuarantinedRow {
  const table = tableOf(recipe, row.table);
  if (raw !== undefined) {
    const { values: _values, ...rest } = row;
    const bytes = encodeText(raw, sourceOf(table, row).charset ?? 'utf-8', row.table);
    return { ...rest, code: 'ROW_INVALID', raw: Buffer.from(bytes).toString('base64'), rawEncoding: 'base64', rawExact: true };
  }
  const known = row.values ?? (row.rawExact || row.raw === null ? undefined : JSON.parse(Buffer.from(row.raw, row.rawEncoding).toString()) as (string | null)[]);
  if (known === undefined || known.length !== table.columns.length) throw impossible(row.table, `the values of part ${row.part}, record ${row.record} are not known: edit the record as a whole`);
  const unknown = Object.keys(values ?? {}).find((column) => !table.columns.includes(column));
  if (unknown !== undefined) throw new SluiceError('USAGE', { what: `The load of ${row.table} has no column "${unknown}"` });
  const changed = table.columns.map((column, i) => (values !== undefined && Object.hasOwn(values, column) ? values[column] : known[i]));
  return { ...row, code: 'ROW_INVALID', rawExact: false, raw: null, values: changed };
}
