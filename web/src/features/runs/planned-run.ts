/** A job whose plan is looked at before it is started; its run is shown then. */
import { useNavigate } from '@tanstack/react-router';
import { useState } from 'react';
import type { planRun, startRun } from '../../../../src/server/contracts/runs.ts';
import { ask } from '../../api/client.ts';
import type { JobRequest, Receipt } from '../../api/types.ts';

export interface PlannedRun {
  readonly plan: Receipt | undefined;
  readonly error: unknown;
  readonly isBusy: boolean;
  /** True when the plan is there. */
  readonly look: () => Promise<boolean>;
  readonly start: () => Promise<boolean>;
  /** What is asked for has changed. */
  readonly forget: () => void;
}

export function usePlannedRun(body: JobRequest): PlannedRun {
  const navigate = useNavigate();
  const [plan, setPlan] = useState<Receipt>();
  const [error, setError] = useState<unknown>();
  const [isBusy, setBusy] = useState(false);
  const attempt = async (work: () => Promise<void>): Promise<boolean> => {
    setBusy(true);
    setError(undefined);
    try {
      await work();
      return true;
    } catch (thrown) {
      setError(thrown);
      return false;
    } finally {
      setBusy(false);
    }
  };
  return {
    plan, error, isBusy,
    look: () => attempt(async () => setPlan(await ask<typeof planRun>('POST', '/api/v1/plans', { body }) as unknown as Receipt)),
    start: () => attempt(async () => {
      const { run } = await ask<typeof startRun>('POST', '/api/v1/runs', { body, key: crypto.randomUUID() });
      await navigate({ to: '/runs/$run', params: { run } });
    }),
    forget: () => setPlan(undefined),
  };
}
