import { useId, type InputHTMLAttributes, type ReactElement, type ReactNode, type SelectHTMLAttributes, type TextareaHTMLAttributes } from 'react';
import { Icon } from './icon.tsx';

interface Labelled {
  readonly label: string;
  readonly hint?: ReactNode;
  readonly error?: string | undefined;
  readonly isLabelHidden?: boolean;
}

const BOX = 'w-full min-w-0 rounded-md border border-line-strong bg-surface px-2.5 text-base placeholder:text-ink-3 focus-visible:outline-offset-0 disabled:opacity-50 aria-[invalid=true]:border-bad';

export function TextField({ label, hint, error, isLabelHidden, className = '', ...rest }: Labelled & InputHTMLAttributes<HTMLInputElement>): ReactElement {
  const id = useId();
  return (
    <FieldFrame id={id} label={label} hint={hint} error={error} isLabelHidden={isLabelHidden === true} className={className}>
      <input id={id} autoComplete="off" spellCheck={false} {...rest} aria-invalid={error !== undefined || undefined} aria-describedby={hint === undefined && error === undefined ? undefined : `${id}-hint`} className={`${BOX} h-8.5`} />
    </FieldFrame>
  );
}

export function TextArea({ label, hint, error, isLabelHidden, className = '', ...rest }: Labelled & TextareaHTMLAttributes<HTMLTextAreaElement>): ReactElement {
  const id = useId();
  return (
    <FieldFrame id={id} label={label} hint={hint} error={error} isLabelHidden={isLabelHidden === true} className={className}>
      <textarea id={id} spellCheck={false} {...rest} aria-describedby={hint === undefined && error === undefined ? undefined : `${id}-hint`} className={`${BOX} py-1.5 font-mono text-sm`} />
    </FieldFrame>
  );
}

export function SelectField({ label, hint, error, isLabelHidden, className = '', children, ...rest }: Labelled & SelectHTMLAttributes<HTMLSelectElement>): ReactElement {
  const id = useId();
  return (
    <FieldFrame id={id} label={label} hint={hint} error={error} isLabelHidden={isLabelHidden === true} className={className}>
      <span className="relative block">
        <select id={id} {...rest} aria-describedby={hint === undefined && error === undefined ? undefined : `${id}-hint`} className={`${BOX} h-8.5 appearance-none pr-7`}>{children}</select>
        <Icon name="down" size={13} className="pointer-events-none absolute top-2.5 right-2.5 text-ink-3" />
      </span>
    </FieldFrame>
  );
}

export function CheckField({ label, hint, ...rest }: { readonly label: ReactNode; readonly hint?: ReactNode } & InputHTMLAttributes<HTMLInputElement>): ReactElement {
  const id = useId();
  return (
    <div className="flex items-start gap-2.5">
      <input id={id} {...rest} type={rest.type ?? 'checkbox'} className="mt-0.5 size-4 shrink-0 accent-(--accent)" aria-describedby={hint === undefined ? undefined : `${id}-hint`} />
      <div className="min-w-0">
        <label htmlFor={id} className="text-base">{label}</label>
        {hint !== undefined && <div id={`${id}-hint`} className="text-sm text-ink-3">{hint}</div>}
      </div>
    </div>
  );
}

function FieldFrame({ id, label, hint, error, isLabelHidden, className, children }: Labelled & { readonly id: string; readonly className: string; readonly children: ReactNode }): ReactElement {
  return (
    <div className={`flex min-w-0 flex-col gap-1 ${className}`}>
      <label htmlFor={id} className={isLabelHidden === true ? 'hidden-to-eyes' : 'text-sm font-medium text-ink-2'}>{label}</label>
      {children}
      {(error ?? hint) !== undefined && <div id={`${id}-hint`} className={`text-xs ${error === undefined ? 'text-ink-3' : 'text-bad'}`}>{error ?? hint}</div>}
    </div>
  );
}
