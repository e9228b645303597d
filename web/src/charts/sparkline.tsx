import type { ReactElement } from 'react';
import { ratesOf, type Sample } from '../api/live-runs.ts';

const WIDTH = 120;
const HEIGHT = 32;

/** The rate of a run as a line without axes. */
export function Sparkline({ samples, what }: { readonly samples: readonly Sample[]; readonly what: 'rows' | 'bytes' }): ReactElement | null {
  const { rate } = ratesOf(samples, what);
  if (rate.length < 2) return null;
  const most = Math.max(...rate, 1);
  const points = rate.map((value, index) => `${((index / (rate.length - 1)) * WIDTH).toFixed(1)},${(HEIGHT - 2 - (value / most) * (HEIGHT - 4)).toFixed(1)}`).join(' ');
  return (
    <svg viewBox={`0 0 ${WIDTH} ${HEIGHT}`} width={WIDTH} height={HEIGHT} aria-hidden="true" className="shrink-0 max-sm:hidden">
      <polyline points={`0,${HEIGHT} ${points} ${WIDTH},${HEIGHT}`} fill="var(--accent)" fillOpacity={0.12} />
      <polyline points={points} fill="none" stroke="var(--accent)" strokeWidth={1.5} strokeLinejoin="round" />
    </svg>
  );
}
