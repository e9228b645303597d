/**
 * Keys, judged set-wise as if rows came one by one in the order of the source: a row is rejected when the target, or an earlier row that was accepted, has its key.
 *
 * With one key the first row of each key is accepted. With several, whether a row is accepted can depend on a row that depends on another: rounds decide. In a round each row that is
 * the first undecided one in all its groups is accepted, and the others of its groups are rejected; only rows that share some key with another one take part.
 */
import type { EngineConnection, RunOptions } from '../../engine/engine-connection.ts';
import { quoteIdentifier } from '../../engine/quoting.ts';
import type { UniqueKey } from './constraints.ts';
import type { StagedTable } from './staged-table.ts';
import { duplicate } from './verdicts.ts';

export async function judgeKeys(table: StagedTable, connection: EngineConnection, run: RunOptions): Promise<void> {
  const judged = new KeyJudgement(table, connection, run);
  if (table.plan.mode === 'upsert') await judged.upsert();
  else await judged.insert();
}

interface JudgedKey {
  readonly key: UniqueKey;
  readonly inTarget: number;
  readonly inSource: number;
}

class KeyJudgement {
  readonly #table: StagedTable;
  readonly #connection: EngineConnection;
  readonly #run: RunOptions;
  readonly #keys: readonly JudgedKey[];

  constructor(table: StagedTable, connection: EngineConnection, run: RunOptions) {
    this.#table = table;
    this.#connection = connection;
    this.#run = run;
    this.#keys = table.constraints.uniques.filter((key) => !isUpsertKey(table, key)).map((key) => ({
      key, inTarget: table.addVerdict(duplicate(table, key, 'is there already')), inSource: table.addVerdict(duplicate(table, key, 'is that of an earlier row')),
    }));
  }

  async insert(): Promise<number> {
    const { target, survivors } = this.#table;
    return await this.#againstTarget(survivors, target) + await this.#among(survivors);
  }

  /**
   * The key of the upsert is no conflict: the last row of each takes the place of the others and of the target's. For other keys the rows that stay are compared, and the rows of
   * the target that none of them replaces. A rejected row may bring back an earlier one, or a row of the target: until nothing changes.
   */
  async upsert(): Promise<void> {
    if (this.#keys.length === 0) return;
    const { survivors, target, plan } = this.#table;
    const key = plan.key.map(quoteIdentifier);
    const last = `(SELECT w.* FROM (SELECT * FROM ${survivors}) AS w SEMI JOIN (SELECT max(o) AS o FROM ${survivors} GROUP BY ${key.join(', ')}) AS m ON w.o = m.o) AS ${quoteIdentifier(plan.name.name)}`;
    const staying = target === undefined ? undefined
      : `(SELECT t.* FROM ${target} AS t ANTI JOIN (SELECT * FROM ${last}) AS l ON ${key.map((name) => `t.${name} = l.${name}`).join(' AND ')}) AS ${quoteIdentifier(plan.name.name)}`;
    while (await this.#againstTarget(last, staying) + await this.#among(last) > 0);
  }

  async #againstTarget(rows: string, target: string | undefined): Promise<number> {
    let rejected = 0;
    for (const { key, inTarget } of target === undefined ? [] : this.#keys) {
      const same = key.expressions.map((_, i) => `s.k${i} = t.k${i}`).join(' AND ');
      rejected += await this.#reject(`SELECT s.o, ${inTarget} FROM (SELECT o, ${keysOf(key)} FROM ${rows}) AS s SEMI JOIN (SELECT ${keysOf(key)} FROM ${target}) AS t ON ${same}`);
    }
    return rejected;
  }

  async #among(rows: string): Promise<number> {
    if (this.#keys.length === 0) return 0;
    if (this.#keys.length > 1) return this.#inRounds(rows);
    const [{ key, inSource }] = this.#keys;
    return this.#reject(`SELECT o, ${inSource} FROM (${contested(key, rows)}) WHERE o <> g`);
  }

  async #inRounds(rows: string): Promise<number> {
    const undecided = this.#table.undecided;
    const groups = this.#keys.map((_, i) => `g${i}`);
    const joined = this.#keys.map(({ key }, i) => `${i === 0 ? '' : 'FULL JOIN '}(SELECT o, g AS g${i} FROM (${contested(key, rows)}))${i === 0 ? '' : ' USING (o)'}`).join(' ');
    await this.#connection.run(`CREATE TABLE ${undecided} AS SELECT o, ${groups.join(', ')} FROM ${joined}`, this.#run);
    let rejected = 0;
    for (;;) {
      const first = groups.map((group) => `(${group} IS NULL OR o = min(o) OVER (PARTITION BY ${group}))`).join(' AND ');
      await this.#connection.run(`CREATE OR REPLACE TABLE ${this.#table.accepted} AS SELECT * FROM ${undecided} QUALIFY ${first}`, this.#run);
      const accepted = await this.#connection.run(`DELETE FROM ${undecided} WHERE o IN (SELECT o FROM ${this.#table.accepted})`, this.#run);
      if (accepted === 0) break;
      const lost = groups.map((group, i) => `WHEN ${group} IN (SELECT ${group} FROM ${this.#table.accepted} WHERE ${group} IS NOT NULL) THEN ${this.#keys[i].inSource}`).join(' ');
      rejected += await this.#reject(`SELECT * FROM (SELECT o, CASE ${lost} END AS v FROM ${undecided}) WHERE v IS NOT NULL`);
      await this.#connection.run(`DELETE FROM ${undecided} WHERE o IN (SELECT o FROM ${this.#table.rejects})`, this.#run);
    }
    await this.#connection.run(`DROP TABLE ${undecided}; DROP TABLE ${this.#table.accepted}`, this.#run);
    return rejected;
  }

  #reject(select: string): Promise<number> {
    return this.#connection.run(`INSERT INTO ${this.#table.rejects} ${select}`, this.#run);
  }
}

/** The rows that share the key with another one: `o`, and `g`, the first of them. */
function contested(key: UniqueKey, rows: string): string {
  const names = key.expressions.map((_, i) => `k${i}`);
  const keyed = `(SELECT o, ${keysOf(key)} FROM ${rows})`;
  const groups = `SELECT ${names.join(', ')}, min(o) AS g FROM ${keyed} WHERE ${names.map((name) => `${name} IS NOT NULL`).join(' AND ')} GROUP BY ${names.join(', ')} HAVING count(*) > 1`;
  return `SELECT r.o, c.g FROM ${keyed} AS r JOIN (${groups}) AS c ON ${names.map((name) => `r.${name} = c.${name}`).join(' AND ')}`;
}

function keysOf(key: UniqueKey): string {
  return key.expressions.map((expression, i) => `${expression} AS k${i}`).join(', ');
}

function isUpsertKey({ plan }: StagedTable, key: UniqueKey): boolean {
  if (plan.mode !== 'upsert' || key.columns.length === 0) return false;
  const lower = (names: readonly string[]): string => names.map((name) => name.toLowerCase()).toSorted().join('\0');
  return lower(key.columns) === lower(plan.key);
}
