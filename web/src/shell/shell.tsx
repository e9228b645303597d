/** What is around every place: who is signed in, where one can go, and whether the server is there. */
import { useQuery } from '@tanstack/react-query';
import { Outlet, useNavigate, useRouterState } from '@tanstack/react-router';
import { useEffect, useRef, type ReactElement } from 'react';
import { ApiError, whenSignedOut } from '../api/client.ts';
import { startLiveRuns, stopLiveRuns, useStreamState } from '../api/live-runs.ts';
import { queryClient, sessionQuery } from '../api/queries.ts';
import { Icon } from '../components/icon.tsx';
import { ErrorState, Skeleton } from '../components/states.tsx';
import { DownloadNotices } from '../features/data/download-notices.tsx';
import { SignInPage } from '../features/sign-in/sign-in-page.tsx';
import { WAS_SIGNED_IN } from './was-signed-in.ts';
import { Navigation } from './navigation.tsx';

export function Shell(): ReactElement {
  const session = useQuery(sessionQuery);
  const refusal = session.error instanceof ApiError && session.error.code === 'SIGN_IN_NEEDED' ? session.error : undefined;
  const isSignedIn = session.data !== undefined && refusal === undefined;
  const path = useRouterState({ select: (state) => state.location.pathname });
  const navigate = useNavigate();

  useEffect(() => whenSignedOut(() => {
    // What was read as somebody is not shown to nobody.
    if (queryClient.getQueryData(sessionQuery.queryKey) !== undefined) void queryClient.resetQueries({ queryKey: sessionQuery.queryKey });
  }), []);
  useEffect(() => {
    if (!isSignedIn) return undefined;
    sessionStorage.setItem(WAS_SIGNED_IN, 'yes');
    startLiveRuns(() => void queryClient.invalidateQueries({ queryKey: sessionQuery.queryKey }));
    return stopLiveRuns;
  }, [isSignedIn]);
  useEffect(() => {
    if (isSignedIn && path === '/sign-in') void navigate({ to: '/', replace: true });
  }, [isSignedIn, path, navigate]);

  // Another place: the keyboard goes on there, and screen readers begin there.
  const shownPath = useRef(path);
  useEffect(() => {
    if (shownPath.current !== path) document.getElementById('main')?.focus({ preventScroll: true });
    shownPath.current = path;
  }, [path]);

  if (session.isPending) return <Waiting />;
  if (refusal !== undefined) return <SignInPage isOver={sessionStorage.getItem(WAS_SIGNED_IN) !== null} />;
  if (session.error !== null && session.data === undefined) return <Unreachable error={session.error} onRetry={() => void session.refetch()} />;
  return (
    <div className="flex min-h-dvh flex-col lg:flex-row">
      <a href="#main" className="absolute top-2 left-2 z-50 -translate-y-20 rounded-md bg-accent px-3 py-2 text-on-accent focus:translate-y-0">Skip to the content</a>
      <Navigation who={session.data} />
      <div className="flex min-w-0 flex-1 flex-col">
        <Connection />
        <main id="main" tabIndex={-1} className="mx-auto flex w-full max-w-[1680px] has-data-full:max-w-none min-w-0 flex-1 flex-col px-4 pt-4 pb-24 outline-none sm:px-6 lg:px-8 lg:pt-6 lg:pb-8">
          <Outlet />
        </main>
      </div>
      <DownloadNotices />
    </div>
  );
}

/** Says when the server does not answer; what is shown is then what was. */
function Connection(): ReactElement | null {
  const state = useStreamState();
  if (state !== 'lost') return null;
  return (
    <div role="status" className="flex items-center justify-center gap-2 bg-warn-soft px-4 py-1.5 text-sm font-medium text-warn">
      <Icon name="again" size={14} className="animate-pulse" />The connection to the server is lost. It is tried again by itself; runs on the server go on.
    </div>
  );
}

function Waiting(): ReactElement {
  return <div className="mx-auto max-w-[640px] p-8"><Skeleton lines={5} /></div>;
}

function Unreachable({ error, onRetry }: { readonly error: Error; readonly onRetry: () => void }): ReactElement {
  return <div className="mx-auto mt-[12vh] max-w-[560px] p-6"><ErrorState error={error} onRetry={onRetry} /></div>;
}
