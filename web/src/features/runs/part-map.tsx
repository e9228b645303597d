/** The parts of a run as cells, in the order in which they began, coloured by their state. */
import type { ReactElement } from 'react';
import type { PartMapData } from '../../api/types.ts';
import { Icon } from '../../components/icon.tsx';
import { plural, whole } from '../../design/quantities.ts';

const STATES = {
  d: { colour: 'bg-good', text: 'done' }, m: { colour: 'bg-accent', text: 'moving' }, t: { colour: 'bg-warn', text: 'waiting to be tried again' },
  r: { colour: 'bg-warn', text: 'done, rows rejected' }, f: { colour: 'bg-bad', text: 'failed' }, w: { colour: 'bg-line', text: 'to come' },
} as const;

/** So many cells of what is still to come are drawn, as many as there can be in all. */
const MOST_CELLS = 512;

export function PartMap({ parts, isRunning }: { readonly parts: Pick<PartMapData, 'span' | 'begun' | 'expected' | 'cells' | 'moving' | 'retrying' | 'done' | 'rejected' | 'failed'>; readonly isRunning: boolean }): ReactElement {
  const { span, begun, expected, cells } = parts;
  const toCome = !isRunning || expected === null ? 0 : Math.max(0, Math.min(MOST_CELLS, Math.ceil(expected / span)) - cells.length);
  const counts = [
    { key: 'd', count: parts.done - parts.rejected }, { key: 'm', count: parts.moving }, { key: 't', count: parts.retrying }, { key: 'r', count: parts.rejected }, { key: 'f', count: parts.failed },
    { key: 'w', count: toCome === 0 || expected === null ? 0 : Math.max(0, Math.round(expected) - begun) },
  ].filter(({ count }) => count > 0) as { key: keyof typeof STATES; count: number }[];
  const said = counts.map(({ key, count }) => `${whole(count)} ${STATES[key].text}`).join(', ');
  return (
    <div>
      <div role="img" aria-label={`Parts: ${said}`} className="flex flex-wrap gap-[3px]">
        {Array.from(cells, (cell, index) => <Cell key={index} state={cell as keyof typeof STATES} isRunning={isRunning} />)}
        {Array.from({ length: toCome }, (_, index) => <Cell key={cells.length + index} state="w" isRunning={isRunning} />)}
      </div>
      <p className="mt-2.5 flex flex-wrap gap-x-4 gap-y-0.5 text-xs text-ink-2">
        {counts.map(({ key, count }) => <span key={key} className="numeric flex items-center gap-1.5"><span className={`size-2.5 rounded-[2px] ${STATES[key].colour}`} />{whole(count)} {STATES[key].text}</span>)}
        {span > 1 && <span className="text-ink-3">a cell stands for {plural(span, 'part')}</span>}
      </p>
    </div>
  );
}

function Cell({ state, isRunning }: { readonly state: keyof typeof STATES; readonly isRunning: boolean }): ReactElement {
  return (
    <span className={`grid size-3.5 place-items-center rounded-[3px] ${STATES[state]?.colour ?? 'bg-line'} ${state === 'm' && isRunning ? 'animate-pulse' : ''}`}>
      {/* Not by colour alone. */}
      {state === 'f' && <Icon name="cross" size={10} className="text-surface" />}
      {(state === 'r' || state === 't') && <span className="size-1 rounded-full bg-surface" />}
    </span>
  );
}
