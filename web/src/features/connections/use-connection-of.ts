import { useQuery } from '@tanstack/react-query';
import { connectionsQuery } from '../../api/queries.ts';

/** The name of the connection whose address a run says that it read or wrote; undefined when none is like that. */
export function useConnectionOf(address: string | null): string | undefined {
  const connections = useQuery(connectionsQuery);
  if (address === null) return undefined;
  const wanted = comparable(address);
  return connections.data?.find(({ name, url }) => name === address || comparable(url) === wanted)?.name;
}

/** Runs and connections do not spell an address alike: user, port and parameters may be there or not. */
function comparable(url: string): string {
  const [, host, rest] = /^postgres(?:ql)?:\/\/(?:[^@/]*@)?([^/?]*)([^?]*)/i.exec(url) ?? [];
  return host === undefined ? url.replace(/^duckdb:(?:\/\/(?=\/))?/i, '') : `${host.replace(/:5432$/, '')}${rest}`;
}
