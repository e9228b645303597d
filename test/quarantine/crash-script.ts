/** What crash.fault.test.ts kills: writes segments anew, or seals. Arguments: workspace, `write` or `seal`. */
import { fetchNumbers, openLog, reject, RECIPE_OF_CRASHES } from './support.ts';

const [workspace, step] = process.argv.slice(2);
const log = await openLog(workspace, undefined, RECIPE_OF_CRASHES);
if (step === 'write') {
  await log.put({ table: 't', part: 1 }, [reject(4), reject(6)]);
  await log.drop({ table: 't', part: 2 });
  await log.put({ table: 'new', part: 0 }, [reject(1)]);
} else {
  await log.seal({
    tables: ['t', 'big'],
    async *fetch(table, part, records) {
      if (table === 'big') yield { place: { file: 'big.csv', row: 1 }, raw: Buffer.alloc(1_500_000, 0x62) };
      else yield* fetchNumbers(table, part, records);
    },
  });
}
