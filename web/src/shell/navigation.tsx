import { Link } from '@tanstack/react-router';
import { useState, type ReactElement } from 'react';
import { useLiveRuns } from '../api/live-runs.ts';
import type { Principal } from '../api/types.ts';
import { Dialog } from '../components/dialog.tsx';
import { Icon, type IconName } from '../components/icon.tsx';
import { AccountDialog } from './account-dialog.tsx';

interface Place {
  readonly to: '/' | '/import' | '/data' | '/runs' | '/backups' | '/performance' | '/connections' | '/settings';
  readonly icon: IconName;
  readonly text: string;
  /** Beside the others at the foot of a phone. */
  readonly isInBar: boolean;
}

const PLACES: readonly Place[] = [
  { to: '/', icon: 'overview', text: 'Overview', isInBar: true },
  { to: '/import', icon: 'import', text: 'Import', isInBar: true },
  { to: '/data', icon: 'table', text: 'Data', isInBar: true },
  { to: '/runs', icon: 'runs', text: 'Runs', isInBar: true },
  { to: '/backups', icon: 'backup', text: 'Backups', isInBar: true },
  { to: '/performance', icon: 'speed', text: 'Performance', isInBar: false },
  { to: '/connections', icon: 'database', text: 'Connections', isInBar: false },
  { to: '/settings', icon: 'settings', text: 'Settings', isInBar: false },
];

export function Navigation({ who }: { readonly who: Principal }): ReactElement {
  const [isAccountOpen, openAccount] = useState(false);
  const [isMoreOpen, openMore] = useState(false);
  const running = [...useLiveRuns().values()].filter(({ status }) => status === 'running').length;
  return (
    <>
      <header className="sticky top-0 z-20 flex flex-col border-line bg-surface max-lg:h-12 max-lg:flex-row max-lg:items-center max-lg:gap-3 max-lg:border-b max-lg:px-4 lg:h-dvh lg:w-[212px] lg:border-r lg:p-3">
        <Link to="/" className="flex items-center gap-2.5 rounded-md lg:px-2 lg:py-1.5" aria-label="Sluice, overview">
          <Mark />
          <span className="text-lg font-semibold tracking-[-0.015em]">Sluice</span>
        </Link>
        <nav aria-label="Main" className="mt-4 flex flex-col gap-0.5 max-lg:hidden">
          {PLACES.map((place) => <SideLink key={place.to} place={place} badge={place.to === '/runs' ? running : 0} />)}
        </nav>
        <button type="button" onClick={() => openAccount(true)} className="ml-auto flex items-center gap-2 rounded-md text-left hover:bg-sunken max-lg:p-1 lg:mt-auto lg:ml-0 lg:px-2 lg:py-1.5">
          <span className="grid size-7 shrink-0 place-items-center rounded-full bg-accent-soft text-sm font-semibold text-accent-ink uppercase" aria-hidden="true">{who.name.slice(0, 1)}</span>
          <span className="min-w-0 max-lg:hidden-to-eyes">
            <span className="block truncate text-sm font-medium">{who.name === 'link' ? 'Signed in' : who.name}</span>
            <span className="block text-xs text-ink-3">{who.role}</span>
          </span>
        </button>
      </header>
      <nav aria-label="Main" className="fixed inset-x-0 bottom-0 z-20 flex border-t border-line bg-surface pb-[env(safe-area-inset-bottom)] lg:hidden">
        {PLACES.filter(({ isInBar }) => isInBar).map((place) => <BarLink key={place.to} place={place} badge={place.to === '/runs' ? running : 0} />)}
        <button type="button" onClick={() => openMore(true)} className="flex min-w-0 flex-1 flex-col items-center gap-0.5 py-1.5 text-xs text-ink-3"><Icon name="menu" size={20} />More</button>
      </nav>
      {isMoreOpen && (
        <Dialog title="More" onClose={() => openMore(false)}>
          <nav aria-label="More" className="-m-2 flex flex-col" onClick={() => openMore(false)}>
            {PLACES.filter(({ isInBar }) => !isInBar).map((place) => <SideLink key={place.to} place={place} badge={0} />)}
          </nav>
        </Dialog>
      )}
      {isAccountOpen && <AccountDialog who={who} onClose={() => openAccount(false)} />}
    </>
  );
}

function SideLink({ place: { to, icon, text }, badge }: { readonly place: Place; readonly badge: number }): ReactElement {
  return (
    <Link to={to} activeOptions={{ exact: to === '/' }} className="flex h-8.5 items-center gap-2.5 rounded-md px-2.5 text-base text-ink-2 hover:bg-sunken hover:text-ink" activeProps={{ className: '!bg-accent-soft !text-accent-ink font-medium', 'aria-current': 'page' }}>
      <Icon name={icon} size={17} />
      <span className="flex-1">{text}</span>
      {badge > 0 && <Running count={badge} />}
    </Link>
  );
}

function BarLink({ place: { to, icon, text }, badge }: { readonly place: Place; readonly badge: number }): ReactElement {
  return (
    <Link to={to} activeOptions={{ exact: to === '/' }} className="relative flex min-w-0 flex-1 flex-col items-center gap-0.5 py-1.5 text-xs text-ink-3" activeProps={{ className: '!text-accent-ink font-medium', 'aria-current': 'page' }}>
      <Icon name={icon} size={20} />
      <span className="max-w-full truncate">{text}</span>
      {badge > 0 && <span className="absolute top-1 left-1/2 ml-2"><Running count={badge} /></span>}
    </Link>
  );
}

function Running({ count }: { readonly count: number }): ReactElement {
  return <span className="numeric min-w-5 rounded-full bg-accent px-1.5 text-center text-xs font-semibold text-on-accent">{count}<span className="hidden-to-eyes"> running</span></span>;
}

function Mark(): ReactElement {
  return (
    <svg viewBox="0 0 32 32" width={26} height={26} aria-hidden="true">
      <rect width="32" height="32" rx="8" fill="var(--accent)" />
      <path d="M8 9h16M8 9v14M24 9v14" fill="none" stroke="var(--on-accent)" strokeWidth="2.400" strokeLinecap="round" />
      <path d="M12 9v6.500h8V9" fill="var(--on-accent)" fillOpacity=".28" />
      <path d="M8 21c2.200-1.800 3.600-1.800 5.400 0s3.200 1.800 5.200 0 3.400-1.800 5.400 0" fill="none" stroke="var(--on-accent)" strokeOpacity=".75" strokeWidth="2.400" strokeLinecap="round" />
    </svg>
  );
}
