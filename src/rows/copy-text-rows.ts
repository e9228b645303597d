import { CopyTextFields, copyTextBlocks } from './copy-text-reader.ts';

/** Rows of COPY text as strings, null for NULL: for the few rows that people look at. */
export async function* copyTextRows(chunks: AsyncIterable<Uint8Array>, width: number): AsyncGenerator<(string | null)[], void, undefined> {
  const fields = new CopyTextFields(width);
  for await (const block of copyTextBlocks(chunks)) {
    for (let at = 0; at < block.length; ) {
      at = fields.next(block, at);
      yield Array.from({ length: width }, (_, field) => textOf(fields, field));
    }
  }
}

function textOf(fields: CopyTextFields, field: number): string | null {
  if (fields.isNull(field)) return null;
  const bytes = Buffer.allocUnsafe(fields.ends[field] - fields.starts[field]);
  return bytes.toString('utf8', 0, fields.copyUnescaped(field, bytes, 0));
}
