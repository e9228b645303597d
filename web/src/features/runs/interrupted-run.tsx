/** A run whose process has gone: what there is to do about it. */
import { useRef, useState, type ReactElement } from 'react';
import type { discardRun, resumeRun } from '../../../../src/server/contracts/runs.ts';
import { ApiError, ask } from '../../api/client.ts';
import { queryClient } from '../../api/queries.ts';
import type { RunDetails } from '../../api/types.ts';
import { Button } from '../../components/button.tsx';
import { Panel } from '../../components/panel.tsx';
import { ErrorState, Note } from '../../components/states.tsx';
import { sendFile } from '../import/uploads.ts';

export function InterruptedRun({ run, mayAct }: { readonly run: RunDetails; readonly mayAct: boolean }): ReactElement {
  const [error, setError] = useState<unknown>();
  const [needsFile, setNeedsFile] = useState(false);
  const [isBusy, setBusy] = useState(false);
  const input = useRef<HTMLInputElement>(null);
  const attempt = async (work: () => Promise<unknown>): Promise<void> => {
    setBusy(true);
    setError(undefined);
    try {
      await work();
      await queryClient.invalidateQueries({ queryKey: ['runs'] });
    } catch (thrown) {
      if (thrown instanceof ApiError && thrown.code === 'RESUME_REFUSED' && thrown.message.includes('upload')) setNeedsFile(true);
      else setError(thrown);
    } finally {
      setBusy(false);
    }
  };
  const goOn = (): Promise<void> => attempt(() => ask<typeof resumeRun>('POST', '/api/v1/runs/{run}/resume', { params: { run: run.run } }));
  const giveUp = (): Promise<void> => attempt(() => ask<typeof discardRun>('POST', '/api/v1/runs/{run}/discard', { params: { run: run.run } }));
  const again = (file: File | undefined): void => {
    if (file !== undefined) void attempt(() => sendFile(file, { resume: run.run }));
  };
  return (
    <Panel title="This run was interrupted">
      <p className="max-w-[76ch] text-ink-2">{run.resumable ? 'The server or the database stopped while it was under way. What was loaded is kept: go on, and every row arrives exactly once. Or give it up; then the target is as it was before.' : 'It had not begun to move rows: nothing was changed. Start it again.'}</p>
      {needsFile && <div className="mt-3"><Note tone="warn">This run was loading a file from a browser. Choose the same file again: what has arrived is passed over and checked.</Note></div>}
      {error !== undefined && <div className="mt-3"><ErrorState error={error} /></div>}
      {run.resumable && mayAct && (
        <div className="mt-4 flex flex-wrap gap-2">
          {needsFile ? <Button look="primary" icon="file" isBusy={isBusy} onClick={() => input.current?.click()}>Choose the file</Button> : <Button look="primary" icon="play" isBusy={isBusy} onClick={() => void goOn()}>Go on</Button>}
          <Button icon="trash" disabled={isBusy} onClick={() => void giveUp()}>Give it up</Button>
          <input ref={input} type="file" aria-label="The file of this run" className="hidden-to-eyes" tabIndex={-1} onChange={(event) => again(event.target.files?.[0])} />
        </div>
      )}
    </Panel>
  );
}
