import { SluiceError } from '../errors/sluice-error.ts';
import type { Connector } from './connector.ts';

/** Connectors load on first use: a byte lane must not pay for the embedded engine. */
const CONNECTORS: Readonly<Record<string, () => Promise<Connector>>> = {
  postgres: async () => (await import('./postgres/postgres-connector.ts')).postgresConnector,
  postgresql: async () => (await import('./postgres/postgres-connector.ts')).postgresConnector,
  duckdb: async () => (await import('./duckdb/duckdb-connector.ts')).duckdbConnector,
};

/** @throws SluiceError CONNECTION_UNKNOWN when no connector knows the URL's scheme */
export async function connectorFor(url: string): Promise<Connector> {
  const scheme = /^([a-z][a-z0-9+.-]*):/i.exec(url)?.[1]?.toLowerCase() ?? '';
  const load = Object.hasOwn(CONNECTORS, scheme) ? CONNECTORS[scheme] : undefined;
  if (load === undefined) throw new SluiceError('CONNECTION_UNKNOWN', { name: scheme === '' ? url : `${scheme}:…` });
  return load();
}
