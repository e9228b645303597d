import type { ReactElement, ReactNode } from 'react';
import { WindowTitle } from './window-title.tsx';

/** A part of a page with a heading of its own. */
export function Panel({ title, actions, children, isFlush = false, className = '', note }: {
  readonly title?: ReactNode; readonly actions?: ReactNode; readonly children: ReactNode; readonly isFlush?: boolean; readonly className?: string; readonly note?: ReactNode;
}): ReactElement {
  return (
    <section className={`min-w-0 rounded-lg border border-line bg-surface shadow-card ${className}`}>
      {title !== undefined && (
        <header className="flex min-h-11 flex-wrap items-center gap-x-3 gap-y-1 border-b border-line px-4 py-1.5">
          <h2 className="text-base font-semibold">{title}</h2>
          {note !== undefined && <div className="text-sm text-ink-3">{note}</div>}
          {actions !== undefined && <div className="ml-auto flex flex-wrap items-center gap-1.5">{actions}</div>}
        </header>
      )}
      <div className={isFlush ? '' : 'p-4'}>{children}</div>
    </section>
  );
}

/** The head of a page: where one is, and what one can do here. */
export function PageHead({ title, note, actions, above, name = typeof title === 'string' ? title : 'Sluice' }: { /** In the title of the window; default the title. */ readonly name?: string; readonly title: ReactNode; readonly note?: ReactNode; readonly actions?: ReactNode; readonly above?: ReactNode }): ReactElement {
  return (
    <header className="mb-4 flex flex-wrap items-end gap-x-4 gap-y-3 lg:mb-5">
      <WindowTitle name={name} />
      <div className="min-w-0 flex-1 basis-64">
        {above !== undefined && <div className="mb-0.5 text-sm text-ink-3">{above}</div>}
        <h1 className="text-xl font-semibold tracking-[-0.012em] break-words">{title}</h1>
        {note !== undefined && <div className="mt-0.5 text-base text-ink-2">{note}</div>}
      </div>
      {actions !== undefined && <div className="flex flex-wrap items-center gap-2">{actions}</div>}
    </header>
  );
}

/** A figure with what it is. */
export function Figure({ label, children, detail, tone = '' }: { readonly label: string; readonly children: ReactNode; readonly detail?: ReactNode; readonly tone?: string }): ReactElement {
  return (
    <div className="min-w-0">
      <dt className="truncate text-xs text-ink-3">{label}</dt>
      <dd className={`numeric truncate text-lg font-semibold ${tone}`}>{children}</dd>
      {detail !== undefined && <dd className="numeric truncate text-xs text-ink-3">{detail}</dd>}
    </div>
  );
}

export function Figures({ children, className = '' }: { readonly children: ReactNode; readonly className?: string }): ReactElement {
  return <dl className={`grid grid-cols-2 gap-x-5 gap-y-3 sm:grid-cols-3 md:grid-cols-[repeat(auto-fit,minmax(96px,1fr))] ${className}`}>{children}</dl>;
}

/** A share of a whole; unknown: something moves. */
export function Progress({ share, label, tone = 'bg-accent' }: { readonly share: number | undefined; readonly label: string; readonly tone?: string }): ReactElement {
  return (
    <div role="progressbar" aria-label={label} aria-valuemin={0} aria-valuemax={100} aria-valuenow={share === undefined ? undefined : Math.round(share * 100)} className="h-1.5 overflow-hidden rounded-full bg-sunken">
      {share === undefined
        ? <div className={`h-full w-[28%] animate-flow rounded-full ${tone}`} />
        : <div className={`h-full origin-left rounded-full transition-transform duration-300 ease-out ${tone}`} style={{ transform: `scaleX(${Math.min(1, Math.max(0.004, share))})` }} />}
    </div>
  );
}
