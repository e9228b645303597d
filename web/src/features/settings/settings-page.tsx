import { useQuery } from '@tanstack/react-query';
import { useState, type FormEvent, type ReactElement } from 'react';
import type { changeSettings } from '../../../../src/server/contracts/system.ts';
import { ask } from '../../api/client.ts';
import { queryClient, sessionQuery, settingsQuery } from '../../api/queries.ts';
import type { Settings } from '../../api/types.ts';
import { Button } from '../../components/button.tsx';
import { TextField } from '../../components/field.tsx';
import { PageHead, Panel } from '../../components/panel.tsx';
import { ErrorState, Note, Skeleton } from '../../components/states.tsx';
import { TargetsPanel } from './targets-panel.tsx';
import { TokensPanel } from './tokens-panel.tsx';

export function SettingsPage(): ReactElement {
  const settings = useQuery(settingsQuery);
  const isAdmin = useQuery(sessionQuery).data?.role === 'admin';
  return (
    <>
      <PageHead title="Settings" note={settings.data === undefined ? undefined : `Sluice ${settings.data.version}`} />
      <div className="flex flex-col gap-4 lg:gap-5">
        {settings.isPending && <Panel><Skeleton lines={4} /></Panel>}
        {settings.error !== null && <ErrorState error={settings.error} onRetry={() => void settings.refetch()} />}
        {settings.data !== undefined && <Limits settings={settings.data} isAdmin={isAdmin} />}
        {isAdmin && <TokensPanel />}
        {settings.data !== undefined && <TargetsPanel settings={settings.data} isAdmin={isAdmin} />}
        {settings.data !== undefined && <Reach settings={settings.data} />}
      </div>
    </>
  );
}

const LIMITS = [
  { name: 'jobs', label: 'Parts at once', hint: 'How many parts of a run move at the same time. More is quicker until the database is busy.', least: 1, most: 64 },
  { name: 'maxRuns', label: 'Runs at once', hint: 'More wait for their turn, in order.', least: 1, most: 64 },
  { name: 'connectionsPerDatabase', label: 'Connections to each database', hint: 'All runs and everybody who looks at data, together.', least: 3, most: 1000 },
] as const;

function Limits({ settings, isAdmin }: { readonly settings: Settings; readonly isAdmin: boolean }): ReactElement {
  const [values, setValues] = useState<Readonly<Record<string, string>>>({});
  const [error, setError] = useState<unknown>();
  const [isSaved, setSaved] = useState(false);
  const save = async (event: FormEvent): Promise<void> => {
    event.preventDefault();
    setError(undefined);
    try {
      const all = await ask<typeof changeSettings>('PATCH', '/api/v1/settings', { body: Object.fromEntries(Object.entries(values).map(([name, value]) => [name, Number(value)])) });
      queryClient.setQueryData(settingsQuery.queryKey, all);
      setValues({});
      setSaved(true);
    } catch (thrown) {
      setError(thrown);
    }
  };
  return (
    <Panel title="Runs" note={isAdmin ? 'for runs that start from now on' : 'an admin can change these'}>
      <form onSubmit={(event) => void save(event)}>
        <div className="grid gap-4 sm:grid-cols-3">
          {LIMITS.map(({ name, label, hint, least, most }) => (
            <TextField key={name} label={label} hint={hint} type="number" min={least} max={most} required disabled={!isAdmin} value={values[name] ?? String(settings[name])} onChange={(event) => { setValues((before) => ({ ...before, [name]: event.target.value })); setSaved(false); }} />
          ))}
        </div>
        {error !== undefined && <div className="mt-3"><ErrorState error={error} /></div>}
        {isAdmin && <div className="mt-4 flex items-center gap-3"><Button look="primary" type="submit" disabled={Object.keys(values).length === 0}>Save</Button><span role="status" className="text-sm text-good">{isSaved && 'Saved'}</span></div>}
      </form>
    </Panel>
  );
}

function Reach({ settings }: { readonly settings: Settings }): ReactElement {
  return (
    <Panel title="What runs may reach" note="said when the server is started">
      <dl className="grid gap-4 sm:grid-cols-2">
        <div>
          <dt className="text-sm font-medium text-ink-2">Files</dt>
          <dd className="mt-1">{settings.files.length === 0 ? <Note>None. <code>sluice serve --files FOLDER</code> lets runs read and write the files of a folder.</Note> : settings.files.map((folder) => <code key={folder} className="block break-all">{folder}</code>)}</dd>
        </div>
        <div>
          <dt className="text-sm font-medium text-ink-2">Addresses</dt>
          <dd className="mt-1">{settings.urls ? 'Runs may read http(s) addresses.' : <Note>None. <code>sluice serve --urls</code> lets runs read http(s) addresses, also those that only the server reaches.</Note>}</dd>
        </div>
      </dl>
    </Panel>
  );
}
