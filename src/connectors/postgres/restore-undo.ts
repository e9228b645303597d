/** Drops what a restore has made, in the opposite order, as far as it goes: first everything, then what others still needed, then what only goes when ties between tables and functions are cut. */
import type { Definition } from '../restore-target.ts';
import { entryName, undoSql, untieSql } from './restore-definition.ts';

export interface UndoStep {
  readonly name: string;
  readonly sql: string;
}

/** A definition whose object could not be dropped. */
export interface Undone extends UndoStep {
  readonly error: unknown;
}

/** @param undo answers why the object is still there, or nothing */
export async function undoDefinitions(made: AsyncIterable<Definition>, isOurs: (definition: Definition) => boolean, undo: (step: UndoStep) => Promise<Undone[]>): Promise<Undone[]> {
  const left: Undone[] = [], ties: UndoStep[] = [];
  for await (const definition of made) {
    if (!isOurs(definition)) continue;
    const name = entryName(definition), sql = undoSql(definition), untie = untieSql(definition);
    if (sql !== undefined) left.push(...await undo({ name, sql }));
    else if (untie !== undefined) ties.push({ name, sql: untie });
  }
  const tied = await untilNothingGoes(left, undo);
  if (tied.length === 0) return [];
  for (const tie of ties) await undo(tie);
  return untilNothingGoes(tied, undo);
}

/** In whatever order the archive had them. */
async function untilNothingGoes(left: Undone[], undo: (step: UndoStep) => Promise<Undone[]>): Promise<Undone[]> {
  for (let before = Infinity; left.length > 0 && left.length < before;) {
    before = left.length;
    const still: Undone[] = [];
    for (const step of left) still.push(...await undo(step));
    left = still;
  }
  return left;
}
