/** Stack traces of an error and its causes, only for SLUICE_DEBUG=1: to everybody else they say nothing. */
export function debugLines(error: unknown, env: NodeJS.ProcessEnv): string[] {
  if (env.SLUICE_DEBUG !== '1') return [];
  const lines: string[] = [];
  for (let cause = error; cause instanceof Error && lines.length < 10; cause = cause.cause) {
    lines.push(`${lines.length === 0 ? '' : 'caused by: '}${cause.stack ?? String(cause)}`);
  }
  return lines;
}
