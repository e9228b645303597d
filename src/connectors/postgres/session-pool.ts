import type { Session } from './driver.ts';

/** Up to `limit` sessions, opened when first needed; who finds none waits in line. */
export class SessionPool {
  readonly #open: () => Promise<Session>;
  readonly #limit: number;
  readonly #all = new Set<Session>();
  readonly #idle: Session[] = [];
  readonly #waiting: { readonly resolve: (session: Session) => void; readonly reject: (error: unknown) => void }[] = [];
  #count = 0;
  #closed: Promise<void> | undefined;

  constructor(limit: number, open: () => Promise<Session>) {
    this.#limit = limit;
    this.#open = open;
  }

  async acquire(): Promise<Session> {
    for (let idle = this.#idle.pop(); idle !== undefined; idle = this.#idle.pop()) {
      if (idle.usable) return idle;
      this.#forget(idle);
    }
    if (this.#count >= this.#limit) return new Promise((resolve, reject) => this.#waiting.push({ resolve, reject }));
    return this.#openOne();
  }

  release(session: Session): void {
    if (!session.usable) {
      this.#forget(session);
      const next = this.#waiting.shift();
      if (next !== undefined) this.#openOne().then(next.resolve, next.reject);
      return;
    }
    const next = this.#waiting.shift();
    if (next === undefined) this.#idle.push(session);
    else next.resolve(session);
  }

  /** Ends all sessions, also those in use: what they do is cancelled. */
  close(): Promise<void> {
    this.#closed ??= Promise.all([...this.#all].map((session) => session.close())).then(() => undefined);
    return this.#closed;
  }

  async #openOne(): Promise<Session> {
    this.#count++;
    try {
      const session = await this.#open();
      this.#all.add(session);
      // Opened while the pool was closed: nobody else will close it.
      if (this.#closed !== undefined) await session.close();
      return session;
    } catch (error) {
      this.#count--;
      throw error;
    }
  }

  #forget(session: Session): void {
    if (this.#all.delete(session)) this.#count--;
    void session.close();
  }
}
