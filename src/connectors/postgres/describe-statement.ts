import type { Connection, Submittable } from 'pg';
import type { Session } from './driver.ts';

export interface ResultField {
  readonly name: string;
  readonly oid: number;
  readonly modifier: number;
}

/** What pg's Connection has besides its published types. */
interface ExtendedConnection extends Connection {
  parse(query: { text: string; name: string }): void;
  describe(what: { type: 'S'; name: string }): void;
  sync(): void;
}

/**
 * Has the server parse a statement without running it, and asks what it returns. The extended protocol takes one statement only, so that
 * a second one behind a semicolon is refused and not run.
 * @returns undefined for statements that return no rows
 */
export async function describeStatement(session: Session, sql: string, subject: { readonly table?: string; readonly signal: AbortSignal }): Promise<readonly ResultField[] | undefined> {
  const statement = new DescribeStatement(sql);
  session.submit(statement);
  try {
    return await statement.finished;
  } catch (error) {
    throw session.translate(error, { isQuery: true, ...(subject.table === undefined ? {} : { table: subject.table }) });
  }
}

interface RowDescription {
  readonly fields: readonly { readonly name: string; readonly dataTypeID: number; readonly dataTypeModifier: number }[];
}

class DescribeStatement implements Submittable {
  readonly finished: Promise<readonly ResultField[] | undefined>;
  readonly #sql: string;
  #fields: readonly ResultField[] | undefined;
  #finish!: (fields: readonly ResultField[] | undefined) => void;
  #fail!: (error: Error) => void;

  constructor(sql: string) {
    this.#sql = sql;
    this.finished = new Promise((resolve, reject) => {
      this.#finish = resolve;
      this.#fail = reject;
    });
  }

  submit(connection: Connection): void {
    const extended = connection as ExtendedConnection;
    extended.parse({ text: this.#sql, name: '' });
    extended.describe({ type: 'S', name: '' });
    extended.sync();
  }

  handleRowDescription(message: RowDescription): void {
    this.#fields = message.fields.map((field) => ({ name: field.name, oid: field.dataTypeID, modifier: field.dataTypeModifier }));
  }

  handleReadyForQuery(): void {
    this.#finish(this.#fields);
  }

  handleError(error: Error): void {
    this.#fail(error);
  }

  handleDataRow(): void {}
  handlePortalSuspended(): void {}
  handleCommandComplete(): void {}
  handleEmptyQuery(): void {}
  handleCopyInResponse(): void {}
  handleCopyData(): void {}
}
