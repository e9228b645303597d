import { SluiceError } from '../../errors/sluice-error.ts';
import type { ServerContext } from '../context.ts';
import { ALL_CONTRACTS } from '../contracts/all-contracts.ts';
import { changeSettings, description, health, metrics, readiness, showSettings } from '../contracts/system.ts';
import { STREAMED, type Router } from '../http/router.ts';
import { metricsText } from '../metrics.ts';
import { describeApi } from '../openapi.ts';

export function bindSystem(router: Router, context: ServerContext): void {
  const { settings, files, urls, version, runs } = context;
  const all = () => ({ ...settings.get(), version, files: [...files.folders], urls });
  let document: Record<string, unknown> | undefined;
  router.bind(health, () => ({ status: 'ok' as const }));
  router.bind(readiness, () => {
    if (runs.isStopping) throw new SluiceError('SERVER_BUSY', { reason: 'it is about to stop' });
    return { status: 'ready' as const };
  });
  router.bind(metrics, ({ reply }): typeof STREAMED => {
    void reply.header('content-type', 'text/plain; version=0.0.4; charset=utf-8').send(metricsText(context));
    return STREAMED;
  });
  router.bind(description, () => (document ??= describeApi(ALL_CONTRACTS, version)));
  router.bind(showSettings, all);
  router.bind(changeSettings, ({ body }) => {
    settings.change(body);
    return all();
  });
}
