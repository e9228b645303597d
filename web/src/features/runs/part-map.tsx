/** The parts of a table as a line of cells, coloured by their state. */
import type { ReactElement } from 'react';
import type { LiveParts } from '../../api/live-runs.ts';
import { plural } from '../../design/quantities.ts';

const STATES: Readonly<Record<string, readonly [colour: string, text: string]>> = {
  w: ['bg-line', 'waiting'], m: ['bg-accent animate-pulse', 'moving'], d: ['bg-good', 'done'], r: ['bg-warn', 'done, rows rejected'], f: ['bg-bad', 'failed'],
};

export function PartMap({ parts, isDone, isRunning }: { readonly parts: LiveParts | undefined; readonly isDone: boolean; readonly isRunning: boolean }): ReactElement {
  if (parts === undefined) return <div className={`h-4 w-full rounded-sm ${isDone ? 'bg-good' : isRunning ? 'animate-pulse bg-accent-soft' : 'bg-line'}`} />;
  const counts = new Map<string, number>();
  for (const cell of parts.cells) counts.set(cell, (counts.get(cell) ?? 0) + 1);
  const said = [...counts].map(([cell, count]) => `${count} ${STATES[cell]?.[1] ?? ''}`).join(', ');
  return (
    <div>
      <div role="img" aria-label={`Parts: ${said}${parts.partsPerCell > 1 ? `; each cell is ${plural(parts.partsPerCell, 'part')}` : ''}`} className="flex flex-wrap gap-[3px]">
        {[...parts.cells].map((cell, index) => <span key={index} className={`size-3 rounded-[2px] ${STATES[cell]?.[0] ?? 'bg-line'}`} />)}
      </div>
      <p className="mt-1.5 flex flex-wrap gap-x-4 gap-y-0.5 text-xs text-ink-3">
        {[...counts].map(([cell, count]) => <span key={cell} className="numeric flex items-center gap-1.5"><span className={`size-2 rounded-[2px] ${STATES[cell]?.[0].split(' ')[0] ?? ''}`} />{count} {STATES[cell]?.[1]}</span>)}
        {parts.partsPerCell > 1 && <span>a cell is {plural(parts.partsPerCell, 'part')}</span>}
      </p>
    </div>
  );
}
