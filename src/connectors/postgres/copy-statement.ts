import type { Connection, Submittable } from 'pg';

/** What pg's Connection has besides its published types. */
interface CopyConnection extends Connection {
  endCopyFrom(): void;
  sendCopyFail(reason: string): void;
}

interface CommandComplete {
  readonly text: string;
}

/** A COPY in pg's queue of queries: pg tells it what the server says besides the rows. */
export class CopyStatement implements Submittable {
  /** Resolves when the server waits for rows (COPY FROM STDIN). */
  readonly ready: Promise<void>;
  /** Resolves with the rows that the server counted; rejects with the server's or the socket's error. */
  readonly finished: Promise<number>;
  /** Called at once when the statement fails, before anybody awaits `finished`. */
  onFailure: ((error: Error) => void) | undefined;
  /** True once `finished` is resolved or rejected. */
  settled = false;
  readonly #sql: string;
  #connection: CopyConnection | undefined;
  #rows = 0;
  #setReady!: () => void;
  #finish!: (rows: number) => void;
  #fail!: (error: Error) => void;

  constructor(sql: string) {
    this.#sql = sql;
    this.ready = new Promise((resolve) => (this.#setReady = resolve));
    this.finished = new Promise((resolve, reject) => {
      this.#finish = resolve;
      this.#fail = reject;
    });
    // A failure may come while the caller awaits something else.
    this.finished.catch(() => undefined);
  }

  submit(connection: Connection): void {
    this.#connection = connection as CopyConnection;
    connection.query(this.#sql);
  }

  sendDone(): void {
    this.#connection?.endCopyFrom();
  }

  /** Makes the server roll the COPY back. */
  sendFail(reason: string): void {
    this.#connection?.sendCopyFail(reason);
  }

  handleCopyInResponse(): void {
    this.#setReady();
  }

  handleCommandComplete(message: CommandComplete): void {
    this.#rows = Number(/^COPY (\d+)/.exec(message.text)?.[1] ?? 0);
  }

  handleReadyForQuery(): void {
    this.settled = true;
    this.#finish(this.#rows);
  }

  handleError(error: Error): void {
    this.settled = true;
    this.#fail(error);
    this.onFailure?.(error);
  }

  handleRowDescription(): void {}
  handleDataRow(): void {}
  handlePortalSuspended(): void {}
  handleEmptyQuery(): void {}
  handleCopyData(): void {}
}
