import { Link, type LinkProps } from '@tanstack/react-router';
import type { ButtonHTMLAttributes, ReactElement, ReactNode } from 'react';
import { Icon, type IconName } from './icon.tsx';

type Look = 'primary' | 'plain' | 'quiet' | 'danger';

interface Shown {
  readonly look?: Look;
  readonly icon?: IconName | undefined;
  readonly children?: ReactNode;
  readonly isSmall?: boolean;
}

const LOOKS: Readonly<Record<Look, string>> = {
  primary: 'bg-accent text-on-accent border-transparent hover:brightness-110',
  plain: 'bg-surface border-line-strong text-ink hover:bg-sunken',
  quiet: 'bg-transparent border-transparent text-ink-2 hover:bg-sunken hover:text-ink',
  danger: 'bg-bad-strong border-transparent text-[#fff] hover:brightness-110',
};

function classOf(look: Look, isSmall: boolean, hasText: boolean): string {
  const size = isSmall ? `h-7 text-sm ${hasText ? 'px-2.5' : 'w-7'}` : `h-8.5 text-base ${hasText ? 'px-3.5' : 'w-8.5'}`;
  return `inline-flex shrink-0 items-center justify-center gap-1.5 whitespace-nowrap rounded-md border font-medium transition-colors select-none ${size} ${LOOKS[look]} disabled:cursor-not-allowed disabled:opacity-45 disabled:hover:brightness-100`;
}

/** @param label needed where there is no text */
export function Button({ look = 'plain', icon, children, isSmall = false, isBusy = false, label, ...rest }: Shown & { readonly isBusy?: boolean; readonly label?: string } & ButtonHTMLAttributes<HTMLButtonElement>): ReactElement {
  return (
    <button type="button" aria-label={label} title={label} aria-busy={isBusy || undefined} {...rest} disabled={rest.disabled === true || isBusy} className={`${classOf(look, isSmall, children !== undefined)} ${rest.className ?? ''}`}>
      {isBusy ? <span className="size-3.5 animate-pulse rounded-full border-2 border-current" aria-hidden="true" /> : icon !== undefined && <Icon name={icon} />}
      {children}
    </button>
  );
}

export function ButtonLink({ look = 'plain', icon, children, isSmall = false, ...to }: Shown & LinkProps): ReactElement {
  return (
    <Link {...to} className={classOf(look, isSmall, children !== undefined)}>
      {icon !== undefined && <Icon name={icon} />}
      {children as ReactNode}
    </Link>
  );
}
