/**
 * Finds the first rejected records in their sources while the target publishes, when this process has nothing else to do: a run with a few bad rows then takes no longer
 * for them at its end. What is not found here, for whatever reason, is found when the quarantine is sealed.
 */
import type { FoundRecord } from './rejected-records.ts';

const MOST_RECORDS = 256;
const MOST_BYTES = 1024 * 1024;

type Fetch = (table: string, part: number, records: readonly number[]) => AsyncIterable<FoundRecord>;

interface Wanted {
  readonly table: string;
  readonly part: number;
  readonly record: number;
}

export class FoundAhead {
  readonly #fetch: Fetch;
  readonly #found = new Map<string, FoundRecord>();
  #wanted: Wanted[] = [];
  #count = 0;
  #bytes = 0;
  #mayRead = false;
  #isOver = false;
  #work: Promise<void> = Promise.resolve();

  constructor(fetch: Fetch) {
    this.#fetch = fetch;
  }

  /** These have been rejected. */
  want(table: string, rejections: readonly { readonly part: number; readonly record: number }[]): void {
    if (this.#count >= MOST_RECORDS) return;
    this.#count += rejections.length;
    for (const { part, record } of rejections.slice(0, MOST_RECORDS)) this.#wanted.push({ table, part, record });
    this.#advance();
  }

  /** The sources are read no more by others. */
  begin(): void {
    this.#mayRead = true;
    this.#advance();
  }

  /** Resolves when nothing is read any more. */
  async stop(): Promise<void> {
    this.#isOver = true;
    await this.#work;
  }

  /** @returns undefined unless all of them were found */
  get(table: string, part: number, records: readonly number[]): readonly FoundRecord[] | undefined {
    const found = records.map((record) => this.#found.get(keyOf({ table, part, record })));
    return found.every((one) => one !== undefined) ? found : undefined;
  }

  #advance(): void {
    if (!this.#mayRead) return;
    this.#work = this.#work.then(() => this.#read()).catch(() => { this.#isOver = true; });
  }

  async #read(): Promise<void> {
    while (!this.#isOver && this.#wanted.length > 0) {
      const [{ table, part }] = this.#wanted;
      const isOfPart = (one: Wanted): boolean => one.table === table && one.part === part;
      const records = [...new Set(this.#wanted.filter(isOfPart).map(({ record }) => record))].toSorted((a, b) => a - b);
      this.#wanted = this.#wanted.filter((one) => !isOfPart(one));
      let at = 0;
      for await (const found of this.#fetch(table, part, records)) {
        this.#bytes += found.raw?.length ?? 0;
        if (this.#bytes > MOST_BYTES) this.#isOver = true;
        else this.#found.set(keyOf({ table, part, record: records[at] }), found);
        at++;
        if (this.#isOver) return;
      }
    }
  }
}

function keyOf({ table, part, record }: Wanted): string {
  return `${part} ${record} ${table}`;
}
