import type { ReactElement, ReactNode } from 'react';

export type Tone = 'neutral' | 'accent' | 'good' | 'warn' | 'bad';

const TONES: Readonly<Record<Tone, string>> = {
  neutral: 'bg-sunken text-ink-2',
  accent: 'bg-accent-soft text-accent-ink',
  good: 'bg-good-soft text-good',
  warn: 'bg-warn-soft text-warn',
  bad: 'bg-bad-soft text-bad',
};

export function Badge({ tone = 'neutral', children, title }: { readonly tone?: Tone; readonly children: ReactNode; readonly title?: string }): ReactElement {
  return <span title={title} className={`inline-flex items-center gap-1.5 whitespace-nowrap rounded-full px-2 py-px text-xs font-medium ${TONES[tone]}`}>{children}</span>;
}

const OF_STATUS: Readonly<Record<string, readonly [Tone, string]>> = {
  running: ['accent', 'running'], done: ['good', 'done'], failed: ['bad', 'failed'], cancelled: ['neutral', 'cancelled'], interrupted: ['warn', 'interrupted'], planned: ['neutral', 'planned'],
};

export function StatusBadge({ status, rejected = 0 }: { readonly status: string; readonly rejected?: number }): ReactElement {
  const [tone, text] = OF_STATUS[status] ?? ['neutral', status];
  const isPartly = status === 'done' && rejected > 0;
  return (
    <Badge tone={isPartly ? 'warn' : tone}>
      <span className={`size-1.5 rounded-full bg-current ${status === 'running' ? 'animate-pulse' : ''}`} aria-hidden="true" />
      {isPartly ? 'done, rows rejected' : text}
    </Badge>
  );
}
