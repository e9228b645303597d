import { SluiceError } from '../errors/sluice-error.ts';
import type { RowEncoding } from '../rows/row-encoding.ts';

/**
 * The cheapest encoding that both ends know: the source lists its own cheapest first, and the first one that the target accepts wins.
 * The source's order decides because taking rows apart costs more at the source (JavaScript) than at the target (the database).
 */
export function negotiate(offered: readonly RowEncoding[], accepts: (encoding: RowEncoding) => boolean, table: string): RowEncoding {
  const chosen = offered.find((encoding) => accepts(encoding));
  if (chosen === undefined) {
    const kinds = offered.map((encoding) => encoding.kind).join(', ');
    throw new SluiceError('INTERNAL', { reason: `source and target of ${table} have no encoding in common (offered: ${kinds})` }, { table });
  }
  return chosen;
}
