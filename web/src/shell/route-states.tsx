import type { ReactElement } from 'react';
import { ButtonLink } from '../components/button.tsx';
import { Panel } from '../components/panel.tsx';
import { EmptyState, ErrorState } from '../components/states.tsx';

export function NotFound(): ReactElement {
  return (
    <Panel>
      <EmptyState icon="search" title="There is nothing at this address" actions={<ButtonLink to="/" look="primary">To the overview</ButtonLink>}>
        The address may have been cut, or what was here is gone.
      </EmptyState>
    </Panel>
  );
}

export function RouteError({ error }: { readonly error: unknown }): ReactElement {
  return <ErrorState error={error} onRetry={() => location.reload()} />;
}
