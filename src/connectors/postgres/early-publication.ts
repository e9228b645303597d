/**
 * Publishes tables while others are still being staged, in a session and one transaction of its own: where the tables of a run are empty, nobody is kept from anything by
 * their locks, and the server's work on keys and indexes goes on beside the reading of the source instead of after it. What is published stays
 * invisible until the commit at the end, like everything.
 *
 * Whatever goes wrong here is no failure of the run: its staged rows are still there, and the publication begins again at the end, which also finds and
 * reports what is wrong with the data in the usual way.
 */
import type { Session } from './driver.ts';
import type { Publisher } from './publisher.ts';

export class EarlyPublication {
  readonly #open: () => Promise<Session>;
  readonly #publisherOn: (session: Session) => Publisher;
  readonly #complete = new Set<string>();
  #session: Session | undefined;
  #publisher: Publisher | undefined;
  #work: Promise<void> = Promise.resolve();
  #isOver = false;

  constructor(open: () => Promise<Session>, publisherOn: (session: Session) => Publisher) {
    this.#open = open;
    this.#publisherOn = publisherOn;
  }

  /** All rows of the table are staged. */
  complete(table: string): void {
    this.#complete.add(table);
    this.#work = this.#work.then(() => this.#advance());
  }

  /** The publisher with all that it has done so far; undefined where the publication must begin anew. Its session is the caller's to end, by `close`. */
  async take(): Promise<Publisher | undefined> {
    await this.#work;
    if (this.#isOver) return undefined;
    this.#isOver = true;
    return this.#publisher;
  }

  /** Undoes what was not committed; safe at any time, and twice. */
  async close(): Promise<void> {
    this.#isOver = true;
    await this.#session?.close();
    await this.#work;
  }

  async #advance(): Promise<void> {
    if (this.#isOver) return;
    try {
      this.#publisher ??= await this.#begin();
      while (!this.#isOver && this.#publisher?.next?.every((table) => this.#complete.has(table)) === true) await this.#publisher.publishGroup();
    } catch {
      await this.#giveUp();
    }
  }

  async #begin(): Promise<Publisher | undefined> {
    this.#session = await this.#open();
    const publisher = this.#publisherOn(this.#session);
    if (await publisher.beginEarly()) return publisher;
    await this.#giveUp();
    return undefined;
  }

  async #giveUp(): Promise<void> {
    this.#isOver = true;
    await this.#session?.close();
  }
}
