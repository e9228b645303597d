/** For whoever is not signed in: how to come in, and why what was tried did not work. */
import { useState, type FormEvent, type ReactElement } from 'react';
import type { signIn } from '../../../../src/server/contracts/session.ts';
import { ask } from '../../api/client.ts';
import { queryClient, sessionQuery } from '../../api/queries.ts';
import { Button } from '../../components/button.tsx';
import { TextField } from '../../components/field.tsx';
import { Icon } from '../../components/icon.tsx';
import { WindowTitle } from '../../components/window-title.tsx';
import { ErrorState, Note } from '../../components/states.tsx';

export function SignInPage({ isOver }: { readonly isOver: boolean }): ReactElement {
  const [secret, setSecret] = useState('');
  const [error, setError] = useState<unknown>();
  const [isBusy, setBusy] = useState(false);
  // The server takes a code once; that this page is shown means it did not.
  const isLinkRefused = location.pathname === '/sign-in' && location.search.includes('code=');
  const submit = async (event: FormEvent): Promise<void> => {
    event.preventDefault();
    setBusy(true);
    setError(undefined);
    try {
      const code = /[?&]code=([\w-]+)/.exec(secret)?.[1] ?? (secret.trim().startsWith('sll_') ? secret.trim() : undefined);
      const who = await ask<typeof signIn>('POST', '/api/v1/session', { body: code === undefined ? { token: secret.trim() } : { code } });
      queryClient.setQueryData(sessionQuery.queryKey, who);
      if (location.pathname === '/sign-in') history.replaceState(null, '', '/');
      void queryClient.invalidateQueries();
    } catch (thrown) {
      setError(thrown);
    } finally {
      setBusy(false);
    }
  };
  return (
    <main className="grid min-h-dvh place-items-center p-4">
      <div className="w-full max-w-[440px]">
        <WindowTitle name="Sign in" />
        <img src={new URL('../../design/sluice.svg', import.meta.url).href} alt="" width={44} height={44} className="mb-5" />
        <h1 className="text-2xl font-semibold tracking-[-0.02em]">Sign in to Sluice</h1>
        <p className="mt-1 text-ink-2">Tables go in and out here; so only people with a link or a token of this server get in.</p>
        <div className="mt-5 flex flex-col gap-4 rounded-lg border border-line bg-surface p-5 shadow-card">
          {isLinkRefused && <Note tone="warn">This link was used already or has expired: it is good once, for an hour. Make another as shown below.</Note>}
          {!isLinkRefused && isOver && <Note tone="warn">Your session has ended. Nothing is lost: runs on the server go on.</Note>}
          <form onSubmit={(event) => void submit(event)} className="flex flex-col gap-3">
            <TextField label="Link or token" type="password" value={secret} onChange={(event) => setSecret(event.target.value)} required autoFocus placeholder="slt_… or http://…/sign-in?code=…" />
            <Button look="primary" type="submit" isBusy={isBusy} disabled={secret.trim() === ''}>Sign in</Button>
          </form>
          {error !== undefined && <ErrorState error={error} />}
        </div>
        <div className="mt-5 flex gap-2.5 text-sm text-ink-2">
          <Icon name="info" className="mt-px text-ink-3" />
          <div>
            <p>No link? Where the server runs, this prints one:</p>
            <code className="mt-1.5 block w-fit rounded-sm bg-sunken px-2 py-1 text-ink">sluice token link --url {location.origin}</code>
          </div>
        </div>
      </div>
    </main>
  );
}
