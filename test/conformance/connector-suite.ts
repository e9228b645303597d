/**
 * What every connector must do, in one suite that each of them runs. Databases are real; every database that a test made is looked at when it
 * has ended: nothing of Sluice's own may be left in it.
 */
import { afterEach, describe, expect } from 'vitest';
import { connectorLadder } from './connector-ladder.ts';
import { connectorReading } from './connector-reading.ts';
import { connectorValues } from './connector-values.ts';
import { connectorLoading } from './connector-loading.ts';
import type { DatabaseUnderTest } from './database-under-test.ts';

/** @param ladder whether its writers have `writeCarefully` (connector-ladder.ts: hasLadder) */
export function connectorSuite(database: DatabaseUnderTest, ladder: boolean): void {
  const made: string[] = [];
  const watched: DatabaseUnderTest = {
    ...database,
    createDatabase: async () => {
      const url = await database.createDatabase();
      made.push(url);
      return url;
    },
  };

  describe(`${database.kind} connector`, () => {
    afterEach(async () => {
      for (const url of made.splice(0)) expect(await database.leftovers(url)).toEqual([]);
    });

    connectorValues(watched);
    connectorLoading(watched);
    connectorReading(watched);
    if (ladder) connectorLadder(watched);
  });
}
