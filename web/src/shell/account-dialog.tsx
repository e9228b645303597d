import { useState, type ReactElement } from 'react';
import type { signOut } from '../../../src/server/contracts/session.ts';
import { ask } from '../api/client.ts';
import { stopLiveRuns } from '../api/live-runs.ts';
import { queryClient } from '../api/queries.ts';
import type { Principal } from '../api/types.ts';
import { Button } from '../components/button.tsx';
import { Dialog } from '../components/dialog.tsx';
import { Icon, type IconName } from '../components/icon.tsx';
import { moment } from '../design/quantities.ts';
import { WAS_SIGNED_IN } from './was-signed-in.ts';
import { applyTheme, storedTheme, type Theme } from '../design/theme.ts';

const THEMES: readonly { readonly theme: Theme; readonly icon: IconName; readonly text: string }[] = [
  { theme: 'system', icon: 'auto', text: 'As the system' }, { theme: 'light', icon: 'sun', text: 'Light' }, { theme: 'dark', icon: 'moon', text: 'Dark' },
];
const MAY: Readonly<Record<Principal['role'], string>> = {
  viewer: 'You can look at data, runs and receipts.', operator: 'You can look at everything, start runs and load data.', admin: 'You can do everything, also manage connections, tokens and settings.',
};

export function AccountDialog({ who, onClose }: { readonly who: Principal; readonly onClose: () => void }): ReactElement {
  const [theme, setTheme] = useState(storedTheme);
  const choose = (next: Theme): void => {
    applyTheme(next);
    setTheme(next);
  };
  const leave = async (): Promise<void> => {
    await ask<typeof signOut>('DELETE', '/api/v1/session').catch(() => undefined);
    stopLiveRuns();
    sessionStorage.removeItem(WAS_SIGNED_IN);
    onClose();
    // Nothing that was read stays; asking who is signed in shows that nobody is.
    queryClient.clear();
    location.assign('/');
  };
  return (
    <Dialog title="You" onClose={onClose} actions={<Button icon="leave" onClick={() => void leave()}>Sign out</Button>}>
      <p className="text-base">{who.name === 'link' ? 'Signed in by a one-time link' : `Signed in as ${who.name}`}, as <strong className="font-semibold">{who.role}</strong>. {MAY[who.role]}</p>
      <p className="mt-1 text-sm text-ink-3">This session is good until {moment(who.expiresAt)}; using it extends it.</p>
      <fieldset className="mt-5">
        <legend className="mb-1.5 text-sm font-medium text-ink-2">Appearance</legend>
        <div className="grid grid-cols-3 gap-2">
          {THEMES.map(({ theme: one, icon, text }) => (
            <label key={one} className="flex cursor-pointer flex-col items-center gap-1.5 rounded-md border border-line-strong px-2 py-3 text-center text-sm has-checked:border-accent has-checked:bg-accent-soft has-checked:text-accent-ink has-focus-visible:outline-2 has-focus-visible:outline-accent">
              <input type="radio" name="theme" className="hidden-to-eyes" checked={theme === one} onChange={() => choose(one)} />
              <Icon name={icon} size={20} />{text}
            </label>
          ))}
        </div>
      </fieldset>
    </Dialog>
  );
}
