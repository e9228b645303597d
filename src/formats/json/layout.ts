/** Where the records of a source are, as inspection found it and reading follows it; part of the plan. */
import { SluiceError } from '../../errors/sluice-error.ts';
import type { InspectedSource } from '../format.ts';
import type { CharsetName } from '../charset.ts';

export interface Layout {
  /** `document`: one JSON document. `lines`: one record after the other. */
  readonly shape: 'document' | 'lines';
  /** Keys from the root to an array, which is one table, or to an object, whose arrays of objects are tables named by their keys. */
  readonly path: readonly string[];
  readonly charset: CharsetName;
}

/** The layout in the details of an inspected source. */
export function layoutOf(inspected: InspectedSource): Layout {
  const { shape, path, charset } = inspected.details;
  if ((shape !== 'document' && shape !== 'lines') || !Array.isArray(path) || typeof charset !== 'string') {
    throw new SluiceError('INTERNAL', { reason: `the details of ${inspected.source.name} have no JSON layout` });
  }
  return { shape, path: path as string[], charset: charset as CharsetName };
}

/** Whether an object at `path` is on the way to the tables, or holds them. */
export function leadsToTables(layoutPath: readonly string[], path: readonly string[]): boolean {
  return path.length <= layoutPath.length && path.every((key, depth) => key === layoutPath[depth]);
}

/** Whether an array at `path` is a table. */
export function isTablePath(layoutPath: readonly string[], path: readonly string[]): boolean {
  return (path.length === layoutPath.length || path.length === layoutPath.length + 1) && layoutPath.every((key, depth) => key === path[depth]);
}
