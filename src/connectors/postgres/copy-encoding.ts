/** Which encodings COPY FROM takes, and how it is told. */
import type { CsvEncoding, RowEncoding } from '../../rows/row-encoding.ts';
import type { CatalogColumn } from './catalog.ts';
import { quoteLiteral } from './sql.ts';

const CHARSETS: Readonly<Record<CsvEncoding['charset'], string>> = { 'utf-8': 'UTF8', latin1: 'LATIN1', 'windows-1252': 'WIN1252' };

export function takesEncoding(encoding: RowEncoding, columns: readonly CatalogColumn[]): boolean {
  switch (encoding.kind) {
    case 'csv': return takesDialect(encoding);
    case 'copy-text': return true;
    case 'copy-binary':
      return encoding.types.length === columns.length && columns.every((column, i) => hasBinaryForm(column, encoding.types[i]));
    case 'file': return false;
    default: return encoding satisfies never;
  }
}

/** Whether the column takes the binary form of values of a type, as `format_type` writes it without modifiers. An extension may be in another schema there. */
export function hasBinaryForm({ portable, binaryType, nativeType, embedding }: CatalogColumn, type: string): boolean {
  return portable && (binaryType === type || nativeType === type || (embedding !== undefined && type.split('.').at(-1) === embedding));
}

/** What the server's own checks of these options allow. */
function takesDialect({ delimiter, quote, escape, nullText }: CsvEncoding): boolean {
  const isByte = (text: string): boolean => text.length === 1 && text > '\0' && text < '\u0080' && text !== '\n' && text !== '\r';
  return [delimiter, quote, escape].every(isByte) && delimiter !== quote
    && !/[\0\r\n]/.test(nullText) && !nullText.includes(delimiter) && !nullText.includes(quote);
}

export function copyOptionsSql(encoding: RowEncoding): string {
  switch (encoding.kind) {
    case 'csv': {
      const { delimiter, quote, escape, nullText, charset } = encoding;
      return `FORMAT csv, DELIMITER ${quoteLiteral(delimiter)}, QUOTE ${quoteLiteral(quote)}, ESCAPE ${quoteLiteral(escape)}, NULL ${quoteLiteral(nullText)}, ENCODING '${CHARSETS[charset]}'`;
    }
    case 'copy-binary': return `FORMAT binary, ENCODING 'UTF8'`;
    default: return `FORMAT text, ENCODING 'UTF8'`;
  }
}
