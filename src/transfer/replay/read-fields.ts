/** A replay file, or one that a user has edited, as records of text fields. */
import { loadFormat } from '../../formats/registry.ts';
import type { FormatName, InspectedSource, ReadOptions } from '../../formats/format.ts';
import { openFile } from '../../io/open-sources.ts';
import { copyTextBlocks, CopyTextFields } from '../../rows/copy-text-reader.ts';
import { COPY_TEXT } from '../../rows/row-encoding.ts';
import { TEXT } from '../../rows/column-type.ts';
import type { Column } from '../../rows/table-schema.ts';

const PART_BYTES = 1024 * 1024;

export interface FieldsOfFile {
  readonly columns: readonly Column[];
  /** Each record's fields as text, in the order of the columns. */
  readonly records: AsyncIterable<readonly (string | null)[]>;
}

/** Calls `use` with the file open. */
export async function withFields<T>(path: string, format: FormatName, read: ReadOptions, signal: AbortSignal, use: (file: FieldsOfFile) => Promise<T>): Promise<T> {
  const source = await openFile(path, signal);
  try {
    const code = await loadFormat(format);
    // In full: a key that comes late would be a surprise otherwise.
    const inspected = await code.inspect(source, read, 'full', signal);
    const columns = inspected.tables[0]?.columns ?? [];
    return await use({ columns, records: records(inspected, columns, signal) });
  } finally {
    await source.close();
  }
}

async function* records(inspected: InspectedSource, columns: readonly Column[], signal: AbortSignal): AsyncGenerator<(string | null)[], void, undefined> {
  const format = await loadFormat(inspected.format);
  const fields = new CopyTextFields(columns.length);
  const parts = format.read(inspected, {
    jobs: 1, partBytes: PART_BYTES, signal, trustSampledTypes: true,
    bind: async (table) => ({
      table: table.name?.name ?? 'records', encoding: COPY_TEXT, ignored: [],
      fields: columns.map(({ name }) => ({ source: name, type: TEXT, arrays: 'json' })),
    }),
  });
  for await (const part of parts) {
    for await (const block of copyTextBlocks(part.chunks)) {
      for (let at = 0; at < block.length;) {
        at = fields.next(block, at);
        yield columns.map((_, i) => textOf(fields, block, i));
      }
    }
  }
}

function textOf(fields: CopyTextFields, block: Uint8Array, i: number): string | null {
  if (fields.isNull(i)) return null;
  const out = Buffer.alloc(fields.ends[i] - fields.starts[i]);
  if (fields.escaped[i] === 0) return Buffer.from(block.subarray(fields.starts[i], fields.ends[i])).toString();
  return out.toString('utf8', 0, fields.copyUnescaped(i, out, 0));
}
