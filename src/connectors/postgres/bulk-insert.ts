/**
 * Puts the rows of a group of tables in at once, while their keys are off (bulk-keys.ts), and builds the keys from all of them. What a row breaks by itself the INSERT
 * leaves out. What a key refuses is looked for among the staged rows, for that key only, and taken out of the target again: rows whose parent is missing; and
 * of rows that share a key all, whereupon the one that came first goes in once more. So a few bad rows cost a few statements, and no row is inserted
 * or judged twice that nothing speaks against. Where the numbers do not agree in the end, everything is undone: other ways know more (publisher.ts).
 */
import type { BulkKeys } from './bulk-keys.ts';
import type { JudgedTable } from './judged-table.ts';
import type { UniqueRule } from './constraint-rules.ts';
import { isCircle, judgeRows, soundRows, type Judgement, type JudgementScope } from './judgement.ts';
import { canJudgeKey, orphanConditions } from './orphans.ts';
import { source } from './publication.ts';
import { qualifiedName, quoteIdentifier } from './sql.ts';
import { equalKeys, keysSql, uniqueVerdict } from './unique-judge.ts';

type Group = readonly JudgedTable[];

export interface BulkInsertParts {
  readonly keys: BulkKeys;
  readonly judgement: Judgement;
  /** Those of users. */
  readonly triggersAreOff: boolean;
  /** @param rows a relation that has staged rows of the table; all when left out @returns how many went in */
  insert(table: JudgedTable, group: Group, rows?: string): Promise<number>;
}

export class BulkInsert {
  readonly #parts: BulkInsertParts;

  constructor(parts: BulkInsertParts) {
    this.#parts = parts;
  }

  /** All staged rows. @throws SluiceError where one breaks a constraint */
  async all(group: Group): Promise<ReadonlyMap<JudgedTable, number>> {
    const written = new Map<JudgedTable, number>();
    for (const table of group) written.set(table, await this.#parts.insert(table, group));
    await this.#parts.keys.build(group, 'indexes');
    await this.#parts.keys.build(group, 'references');
    return written;
  }

  /** All but those that are rejected on the way. @returns undefined, with nothing done, where that is not possible */
  async allSound(group: Group): Promise<ReadonlyMap<JudgedTable, number> | undefined> {
    for (const table of group) table.wasEmpty = true;
    const written = await group[0].attempt(() => this.#insertAndBuild(group));
    if (written !== undefined) return written;
    for (const table of group) Object.assign(table, { wasEmpty: false, rejectedCount: 0, isFullyJudged: true, hasUnknownRows: false });
    return undefined;
  }

  async #insertAndBuild(group: Group): Promise<ReadonlyMap<JudgedTable, number> | undefined> {
    const written = new Map<JudgedTable, number>();
    for (const table of group) {
      written.set(table, table.staging.length === 0 ? 0 : await this.#parts.insert(table, group, soundRows(table)));
      if (written.get(table)! < table.load.written) await judgeRows(table);
    }
    const isChanged = [await this.#buildIndexes(group), await this.#addReferences(group)].includes(true);
    if (isChanged) for (const table of group) written.set(table, await count(table));
    const agrees = group.every((table) => (table.isFullyJudged || table.staging.length === 0) && written.get(table) === table.load.written - table.rejectedCount);
    return agrees ? written : undefined;
  }

  /** @returns whether rows had to go */
  async #buildIndexes(group: Group): Promise<boolean> {
    const { keys, judgement } = this.#parts;
    const refused = new Map<JudgedTable, ReadonlySet<string>>();
    for (const table of group) {
      const names = await keys.tryToBuild(table, 'indexes');
      if (names.size > 0) refused.set(table, names);
    }
    if (refused.size === 0) return false;
    for (const table of refused.keys()) await table.query(`CREATE TEMP TABLE ${rivalsOf(table)} (n bigint, rule int) ON COMMIT DROP`);
    const scope: JudgementScope = { afterRows: true, uniques: (table) => ({ only: refused.get(table) ?? new Set(), rivals: rivalsOf(table) }) };
    if (isCircle(group) || !(await this.#judgeUniques(group[0], scope))) await judgement.judge(group, scope);
    for (const [table, names] of refused) {
      for (const rule of table.rules.uniques) if (names.has(rule.name)) await removeRivals(table, rule);
      await this.#parts.insert(table, group, `(SELECT * FROM ${source(table.load.plan, table.staging, { rejected: table.exclusion })} AS staged WHERE ${await table.isOneOf(rivalsOf(table))})`);
    }
    await removeOrphans(group);
    await keys.build(refused.keys(), 'indexes', (table, name) => refused.get(table)!.has(name));
    return true;
  }

  /** A row without its parent competes with nobody. There is hardly ever one among the few rows that share a key, so only they are asked for their parents. @returns false, with nothing done, when there is one */
  async #judgeUniques(table: JudgedTable, scope: JudgementScope): Promise<boolean> {
    const done = await table.attempt(async () => {
      await this.#parts.judgement.judge([table], { ...scope, foreignKeys: new Set() });
      const sharing = `(SELECT * FROM ${table.allRows()} AS staged WHERE ${await table.isOneOf(rivalsOf(table))})`;
      for (const key of table.rules.foreignKeys) {
        if (!canJudgeKey(table, key, undefined, this.#parts.triggersAreOff)) return undefined;
        for (const condition of orphanConditions(key, undefined)) if ((await table.query(`SELECT pg_catalog.count(*) FROM ${sharing} AS child WHERE ${condition}`)).rows[0][0] !== '0') return undefined;
      }
      return true;
    });
    return done === true;
  }

  /** @returns whether rows had to go */
  async #addReferences(group: Group): Promise<boolean> {
    const { keys, judgement } = this.#parts;
    const refused = new Map(group.map((table): [JudgedTable, Set<string>] => [table, new Set()]));
    const refuse = (table: JudgedTable, names: Iterable<string>): void => {
      for (const name of names) refused.get(table)!.add(name);
    };
    const wereRefused = (): boolean => [...refused.values()].some(({ size }) => size > 0);
    const within = new Map(group.map((table): [JudgedTable, ReadonlySet<string>] => [table, keysWithin(table, group)]));
    for (const table of group) refuse(table, await keys.tryToBuild(table, 'references', (name) => !within.get(table)!.has(name)));
    // Those of a circle all or none, and none where rows will have to go: a key that is there already would act upon them.
    const tryCircle = async (): Promise<true | undefined> => {
      for (const table of group) refuse(table, await keys.tryToBuild(table, 'references', (name) => within.get(table)!.has(name)));
      return wereRefused() ? undefined : true;
    };
    if (isCircle(group) && !wereRefused()) await group[0].attempt(tryCircle);
    if (!wereRefused()) return false;
    for (const table of group) refuse(table, within.get(table)!);
    await judgement.judge(group, { afterRows: true, foreignKeys: new Set([...refused.values()].flatMap((names) => [...names])), uniques: () => ({ only: new Set<string>() }) });
    await removeOrphans(group);
    await keys.build(group, 'references', (table, name) => refused.get(table)!.has(name));
    return true;
  }
}

/** Rows that share a unique key of this table: their numbers, and the verdict of the key. */
function rivalsOf({ number }: JudgedTable): string {
  return `pg_temp.sluice_rivals_${number}`;
}

/** Names of its foreign keys to tables of the group. */
function keysWithin(table: JudgedTable, group: Group): ReadonlySet<string> {
  return new Set(table.rules.foreignKeys.filter((key) => group.some(({ load }) => load.target.oid === key.parentOid)).map(({ name }) => name));
}

/** All rows of the target whose key several staged rows have, those that were refused before among them. */
async function removeRivals(table: JudgedTable, rule: UniqueRule): Promise<void> {
  const { plan } = table.load;
  const number = table.verdict(uniqueVerdict(rule));
  const present = keysSql(rule, `ONLY ${qualifiedName(plan.name)}`, plan.name.name, 'ctid AS place');
  const rivals = `(SELECT * FROM ${table.allRows()} AS staged WHERE ${await table.isOneOf(`(SELECT n FROM ${rivalsOf(table)} WHERE rule = ${number})`)})`;
  const shared = keysSql(rule, rivals, plan.name.name, '');
  await table.query(`DELETE FROM ONLY ${qualifiedName(plan.name)} WHERE ctid = ANY (ARRAY(SELECT present.place FROM ${present} AS present
    WHERE EXISTS (SELECT FROM ${shared} AS shared WHERE ${equalKeys(rule, 'present', 'shared')})))`);
}

/** Rows with the same values as one that was rejected for a foreign key have no parent either: all of them have been found. With MATCH FULL, also those with some of the values. */
async function removeOrphans(group: Group): Promise<void> {
  for (const table of group) {
    const { rows } = await table.query(`SELECT DISTINCT rule FROM ${table.rejected} AS rejected WHERE rule IS NOT NULL`);
    for (const [rule] of rows) {
      const { code, constraint } = table.verdicts[Number(rule)];
      const key = table.rules.foreignKeys.find(({ name }) => name === constraint);
      if (code !== 'FOREIGN_KEY_VIOLATED' || key === undefined) continue;
      const columns = key.columns.map(quoteIdentifier);
      const lost = `SELECT ${columns.join(', ')} FROM ${table.allRows()} AS staged WHERE ${await table.isOneOf(`(SELECT n FROM ${table.rejected} AS rejected WHERE rule = ${rule})`)}`;
      const [, mixed] = orphanConditions(key, undefined);
      const conditions = [`(${columns.map((column) => `child.${column}`).join(', ')}) IN (${lost})`, ...(mixed === undefined ? [] : [mixed])];
      await table.query(`DELETE FROM ONLY ${qualifiedName(table.load.plan.name)} AS child WHERE ${conditions.join(' OR ')}`);
    }
  }
}

async function count(table: JudgedTable): Promise<number> {
  return Number((await table.query(`SELECT pg_catalog.count(*) FROM ONLY ${qualifiedName(table.load.plan.name)}`)).rows[0][0]);
}
