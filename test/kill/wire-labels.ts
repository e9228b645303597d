/** Names what a client of PostgreSQL is about to make durable, by the statements it sends on one connection. */
const STATEMENTS: readonly (readonly [string, RegExp])[] = [
  ['creating the ledger', /CREATE TABLE \S+_ledger"/],
  ['creating a staging table', /CREATE UNLOGGED TABLE \S+_\d+" /],
  ['creating a table', /CREATE TABLE (?!\S+_ledger")/],
  ['entry of a part', /_(?:staged|ledger)" VALUES \('part'/],
  ['entry of the publication', /VALUES \('published'/],
  ['dropping the ledger', /DROP TABLE IF EXISTS \S+, \S+_ledger"/],
];

export class WireLabels {
  #last: string | undefined;

  /** A COMMIT is named by what it commits. */
  of(message: string): string | undefined {
    if (/\bCOMMIT\b/.test(message) && message.length < 100) return `COMMIT of ${this.#last ?? 'something else'}`;
    if (/\bBEGIN\b/.test(message) && message.length < 200) this.#last = undefined;
    const found = STATEMENTS.find(([, text]) => text.test(message))?.[0];
    if (found !== undefined) this.#last = found;
    return found;
  }
}
