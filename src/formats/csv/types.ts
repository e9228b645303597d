import type { ColumnType } from '../../rows/column-type.ts';
import { TypeInference } from '../../rows/infer-type.ts';
import type { RecordParser } from './record-parser.ts';

/** The types of all columns from the records that a parser has parsed. NULL does not count; an empty text in quotes is text. */
export class ColumnTypes {
  readonly #columns: readonly TypeInference[];

  constructor(count: number) {
    this.#columns = Array.from({ length: count }, () => new TypeInference());
  }

  /** Looks at the parser's last record, whose fields are in `bytes`. */
  see(parser: RecordParser, bytes: Uint8Array): void {
    const columns = this.#columns;
    const count = Math.min(columns.length, parser.count);
    for (let i = 0; i < count; i++) {
      const column = columns[i];
      if (!column.settled && !parser.isNull(i, bytes)) column.see(bytes, parser.starts[i], parser.ends[i]);
    }
  }

  results(): ColumnType[] {
    return this.#columns.map((column) => column.result());
  }
}
