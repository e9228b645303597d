/** What is expected of each kind of run: checked on every one, shown on its receipt and under Performance. */
import { useState, type FormEvent, type ReactElement } from 'react';
import type { changeSettings } from '../../../../src/server/contracts/system.ts';
import { ask } from '../../api/client.ts';
import { queryClient, settingsQuery } from '../../api/queries.ts';
import type { Settings } from '../../api/types.ts';
import { Button } from '../../components/button.tsx';
import { Panel } from '../../components/panel.tsx';
import { ErrorState } from '../../components/states.tsx';
import { jobTitle } from '../runs/run-words.ts';

const FIELDS = [
  { name: 'seconds', label: 'Seconds, at most', unit: 1 }, { name: 'peakBytes', label: 'Memory in MB, at most', unit: 1e6 }, { name: 'rowsPerSecond', label: 'Rows per second, at least', unit: 1 }, { name: 'bytesPerSecond', label: 'MB per second, at least', unit: 1e6 },
] as const;
const JOBS = ['import', 'export', 'copy', 'backup', 'restore', 'verify'] as const;

type Job = (typeof JOBS)[number];
type Field = (typeof FIELDS)[number]['name'];

export function TargetsPanel({ settings, isAdmin }: { readonly settings: Settings; readonly isAdmin: boolean }): ReactElement {
  const [changed, setChanged] = useState<Readonly<Record<string, string>>>({});
  const [error, setError] = useState<unknown>();
  const [isSaved, setSaved] = useState(false);
  const shown = (job: Job, { name, unit }: (typeof FIELDS)[number]): string => changed[`${job} ${name}`] ?? textOf(settings.targets[job]?.[name], unit);
  const save = async (event: FormEvent): Promise<void> => {
    event.preventDefault();
    setError(undefined);
    try {
      const targets = Object.fromEntries(JOBS.map((job) => [job, Object.fromEntries(FIELDS.map((field) => [field.name, shown(job, field), field.unit] as const).filter(([, text]) => text !== '').map(([name, text, unit]) => [name, Number(text) * unit])) as Partial<Record<Field, number>>]));
      queryClient.setQueryData(settingsQuery.queryKey, await ask<typeof changeSettings>('PATCH', '/api/v1/settings', { body: { targets } }));
      setChanged({});
      setSaved(true);
    } catch (thrown) {
      setError(thrown);
    }
  };
  return (
    <Panel title="Performance targets" note="for 10,000 records; more may take as much longer. Empty: not checked" isFlush>
      <form onSubmit={(event) => void save(event)}>
        <div className="overflow-x-auto" tabIndex={0} role="region" aria-label="Performance targets">
          <table className="w-full border-collapse text-base">
            <thead><tr className="text-left text-xs text-ink-3 [&>th]:border-b [&>th]:border-line [&>th]:px-3 [&>th]:py-2 [&>th]:font-medium [&>th]:first:pl-4"><th scope="col">Kind of run</th>{FIELDS.map(({ name, label }) => <th key={name} scope="col">{label}</th>)}</tr></thead>
            <tbody>
              {JOBS.map((job) => (
                <tr key={job} className="[&>td]:px-3 [&>td]:py-1.5">
                  <th scope="row" className="py-1.5 pr-3 pl-4 text-left font-medium">{jobTitle(job)}</th>
                  {FIELDS.map((field) => (
                    <td key={field.name}>
                      <input aria-label={`${jobTitle(job)}: ${field.label}`} type="number" min="0" step="any" disabled={!isAdmin} value={shown(job, field)} onChange={(event) => { setChanged((before) => ({ ...before, [`${job} ${field.name}`]: event.target.value })); setSaved(false); }} className="numeric h-7.5 w-full min-w-24 rounded-md border border-line-strong bg-surface px-2 disabled:opacity-60" />
                    </td>
                  ))}
                </tr>
              ))}
            </tbody>
          </table>
        </div>
        {error !== undefined && <div className="px-4 pt-3"><ErrorState error={error} /></div>}
        {isAdmin && <div className="flex items-center gap-3 p-4"><Button look="primary" type="submit" disabled={Object.keys(changed).length === 0}>Save targets</Button><span role="status" className="text-sm text-good">{isSaved && 'Saved'}</span></div>}
      </form>
    </Panel>
  );
}

function textOf(value: number | undefined, unit: number): string {
  return value === undefined ? '' : String(Math.round((value / unit) * 1000) / 1000);
}
