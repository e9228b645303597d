import type { z } from 'zod';
import type { replayQuarantine } from '../../../../src/server/contracts/runs.ts';
import type { QuarantinedRow } from '../../api/types.ts';

export type RowEdit = NonNullable<z.input<(typeof replayQuarantine)['body']>['edits']>[number];

/** Which record of a run it is. */
export function editKey({ table, part, record }: Pick<QuarantinedRow, 'table' | 'part' | 'record'>): string {
  return `${part} ${record} ${table}`;
}
