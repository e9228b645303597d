/**
 * What pages of tables have found out and others can use: how many rows an embedded table has (good as long as its file is the same), at which position which key is (good for a short
 * while: others write into the database), and where rows are by a survey of the whole table (for longer: it costs more). Bounded: of too many tables the one that was not looked at for longest is forgotten.
 */
import { stat } from 'node:fs/promises';
import { Anchors, type TableExtent } from '../../transfer/table-position.ts';
import { TableSurvey } from '../../transfer/table-survey.ts';

const MOST_TABLES = 100;
const ANCHORS_MS = 60_000;
const SURVEY_MS = 10 * 60_000;

interface Remembered {
  anchors: Anchors;
  anchorsSince: number;
  survey: TableSurvey;
  surveySince: number;
  readonly stamp: string | undefined;
  extent: TableExtent | undefined;
}

export class TableMemory {
  readonly #tables = new Map<string, Remembered>();

  /** @param url of the database @param table its name, as the request has it */
  async of(url: string, table: string, now: number = Date.now()): Promise<Remembered> {
    const key = `${url} ${table}`;
    const file = /^duckdb:(?:\/\/(?=\/))?(.+)$/i.exec(url)?.[1];
    const stamp = file === undefined ? undefined : `${await stampOf(file)} ${await stampOf(`${file}.wal`)}`;
    const known = this.#tables.get(key);
    const remembered = known !== undefined && known.stamp === stamp ? known : { anchors: new Anchors(), anchorsSince: now, survey: new TableSurvey(), surveySince: now, stamp, extent: undefined };
    if (file === undefined) forgetOld(remembered, now);
    this.#tables.delete(key);
    this.#tables.set(key, remembered);
    if (this.#tables.size > MOST_TABLES) this.#tables.delete(this.#tables.keys().next().value!);
    return remembered;
  }
}

function forgetOld(remembered: Remembered, now: number): void {
  if (now - remembered.anchorsSince > ANCHORS_MS) {
    remembered.anchors = new Anchors();
    remembered.anchorsSince = now;
  }
  if (now - remembered.surveySince > SURVEY_MS) surveyAnew(remembered, now);
}

export function surveyAnew(remembered: Remembered, now: number = Date.now()): void {
  remembered.survey = new TableSurvey();
  remembered.surveySince = now;
}

/** Whatever is committed changes the file or its log. */
async function stampOf(path: string): Promise<string> {
  const found = await stat(path, { bigint: true }).catch(() => undefined);
  return found === undefined ? 'none' : `${found.ino} ${found.size} ${found.mtimeNs}`;
}
