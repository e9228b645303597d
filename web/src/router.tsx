/** The places of the page. Each feature is loaded when it is first visited; the server knows the same places (src/server/contracts/page.ts). */
import { createRootRoute, createRoute, createRouter, lazyRouteComponent } from '@tanstack/react-router';
import { NotFound, RouteError } from './shell/route-states.tsx';
import { Shell } from './shell/shell.tsx';

const root = createRootRoute({ component: Shell, notFoundComponent: NotFound, errorComponent: RouteError });

const overview = createRoute({ getParentRoute: () => root, path: '/', component: lazyRouteComponent(() => import('./features/overview/overview-page.tsx'), 'OverviewPage') });
const signIn = createRoute({ getParentRoute: () => root, path: '/sign-in', component: lazyRouteComponent(() => import('./features/overview/overview-page.tsx'), 'OverviewPage') });

export interface ImportSearch {
  readonly from?: 'file' | 'server' | 'url' | 'connection';
  readonly path?: string;
  /** The interrupted run that goes on when its file is sent again. */
  readonly resume?: string;
}
const importing = createRoute({
  getParentRoute: () => root, path: '/import', component: lazyRouteComponent(() => import('./features/import/import-page.tsx'), 'ImportPage'),
  validateSearch: (search: Record<string, unknown>): ImportSearch => ({
    ...(['file', 'server', 'url', 'connection'].includes(search.from as string) ? { from: search.from as NonNullable<ImportSearch['from']> } : {}),
    ...(typeof search.path === 'string' ? { path: search.path } : {}),
    ...(typeof search.resume === 'string' ? { resume: search.resume } : {}),
  }),
});

const data = createRoute({ getParentRoute: () => root, path: '/data', component: lazyRouteComponent(() => import('./features/data/data-page.tsx'), 'DataPage') });
const connectionData = createRoute({ getParentRoute: () => root, path: '/data/$connection', component: lazyRouteComponent(() => import('./features/data/data-page.tsx'), 'DataPage') });
const tableData = createRoute({ getParentRoute: () => root, path: '/data/$connection/$table', component: lazyRouteComponent(() => import('./features/data/table-page.tsx'), 'TablePage') });

const runs = createRoute({ getParentRoute: () => root, path: '/runs', component: lazyRouteComponent(() => import('./features/runs/runs-page.tsx'), 'RunsPage') });
const run = createRoute({ getParentRoute: () => root, path: '/runs/$run', component: lazyRouteComponent(() => import('./features/runs/run-page.tsx'), 'RunPage') });

const backups = createRoute({ getParentRoute: () => root, path: '/backups', component: lazyRouteComponent(() => import('./features/backups/backups-page.tsx'), 'BackupsPage') });
const repository = createRoute({ getParentRoute: () => root, path: '/backups/$repository', component: lazyRouteComponent(() => import('./features/backups/repository-page.tsx'), 'RepositoryPage') });
const restore = createRoute({ getParentRoute: () => root, path: '/backups/$repository/$backup', component: lazyRouteComponent(() => import('./features/backups/restore-page.tsx'), 'RestorePage') });
const performance = createRoute({ getParentRoute: () => root, path: '/performance', component: lazyRouteComponent(() => import('./features/performance/performance-page.tsx'), 'PerformancePage') });

const connections = createRoute({ getParentRoute: () => root, path: '/connections', component: lazyRouteComponent(() => import('./features/connections/connections-page.tsx'), 'ConnectionsPage') });
const settings = createRoute({ getParentRoute: () => root, path: '/settings', component: lazyRouteComponent(() => import('./features/settings/settings-page.tsx'), 'SettingsPage') });

export const router = createRouter({
  routeTree: root.addChildren([overview, signIn, importing, data, connectionData, tableData, runs, run, backups, repository, restore, performance, connections, settings]),
  defaultPreload: 'intent',
  scrollRestoration: true,
});

declare module '@tanstack/react-router' {
  interface Register {
    router: typeof router;
  }
}
