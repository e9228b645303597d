/** What is shown where there is nothing (yet), and where something went wrong: each says what to do next. */
import type { ReactElement, ReactNode } from 'react';
import { problemOf } from '../api/client.ts';
import type { Problem } from '../api/types.ts';
import { Button } from './button.tsx';
import { Icon, type IconName } from './icon.tsx';

export function EmptyState({ icon, title, children, actions }: { readonly icon: IconName; readonly title: string; readonly children?: ReactNode; readonly actions?: ReactNode }): ReactElement {
  return (
    <div className="flex flex-col items-center gap-2 px-6 py-10 text-center">
      <div className="mb-1 grid size-11 place-items-center rounded-full bg-sunken text-ink-3"><Icon name={icon} size={22} /></div>
      <p className="text-lg font-semibold">{title}</p>
      {children !== undefined && <div className="max-w-[52ch] text-base text-ink-2">{children}</div>}
      {actions !== undefined && <div className="mt-2 flex flex-wrap justify-center gap-2">{actions}</div>}
    </div>
  );
}

/** The error with its code, where it happened and what to do next. */
export function ErrorState({ error, onRetry, actions }: { readonly error: unknown; readonly onRetry?: () => void; readonly actions?: ReactNode }): ReactElement {
  return <ProblemNote problem={problemOf(error)} actions={<>{onRetry !== undefined && <Button icon="again" isSmall onClick={onRetry}>Try again</Button>}{actions}</>} />;
}

export type Shown = Pick<Problem, 'code' | 'hint'> & { readonly detail: string; readonly at?: Readonly<Record<string, unknown>> };

export function ProblemNote({ problem, actions, title }: { readonly problem: Shown; readonly actions?: ReactNode; readonly title?: string }): ReactElement {
  const places = Object.entries(problem.at ?? {}).filter(([, value]) => value !== undefined && value !== null);
  return (
    <div role="alert" className="rounded-md border border-bad/40 bg-bad-soft p-3.5">
      <div className="flex gap-2.5">
        <Icon name="warning" className="mt-0.5 text-bad" />
        <div className="min-w-0 flex-1">
          {title !== undefined && <p className="font-semibold text-bad">{title}</p>}
          <p className="font-medium break-words">{problem.detail}</p>
          {problem.hint !== '' && <p className="mt-1 text-ink-2 break-words">{problem.hint}</p>}
          <p className="mt-2 flex flex-wrap gap-x-3 gap-y-1 text-xs text-ink-2">
            <code className="font-medium text-bad">{problem.code}</code>
            {places.map(([name, value]) => <span key={name}>{name} <span className="text-ink break-all">{String(value)}</span></span>)}
          </p>
          {actions !== undefined && <div className="mt-2.5 flex flex-wrap gap-2 empty:hidden">{actions}</div>}
        </div>
      </div>
    </div>
  );
}

export function Note({ tone = 'neutral', icon, children }: { readonly tone?: 'neutral' | 'warn' | 'good'; readonly icon?: IconName; readonly children: ReactNode }): ReactElement {
  const look = { neutral: 'bg-sunken text-ink-2', warn: 'bg-warn-soft text-warn', good: 'bg-good-soft text-good' }[tone];
  return (
    <div className={`flex items-start gap-2 rounded-md px-3 py-2 text-sm ${look}`}>
      <Icon name={icon ?? (tone === 'warn' ? 'warning' : tone === 'good' ? 'check' : 'info')} className="mt-px" />
      <div className="min-w-0 flex-1 break-words">{children}</div>
    </div>
  );
}

/** Where text will be. */
export function Skeleton({ lines = 3, className = '' }: { readonly lines?: number; readonly className?: string }): ReactElement {
  return (
    <div className={`flex flex-col gap-3 ${className}`} role="status" aria-label="Loading">
      {Array.from({ length: lines }, (_, index) => <div key={index} className="h-4 animate-pulse rounded-sm bg-sunken" style={{ width: `${[92, 74, 83, 61, 78][index % 5]}%` }} />)}
    </div>
  );
}
