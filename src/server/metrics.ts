import type { ServerContext } from './context.ts';

/** The state of the server in the text format of Prometheus. Names are public: they are only ever added. */
export function metricsText({ runs, budget, hub, runStore }: ServerContext): string {
  const { started, ended, rows, bytes, targets } = runs.counts;
  const checked = [...targets.values()];
  const lines = [
    ...metric('sluice_runs_active', 'gauge', 'Runs that are under way or wait', [[{}, runs.active]]),
    ...metric('sluice_runs_started_total', 'counter', 'Runs that this server has started', [[{}, started]]),
    ...metric('sluice_runs_ended_total', 'counter', 'Runs that have ended, by status', Object.entries(ended).map(([status, count]) => [{ status }, count])),
    ...metric('sluice_rows_written_total', 'counter', 'Rows written by runs that have ended', [[{}, rows]]),
    ...metric('sluice_bytes_moved_total', 'counter', 'Bytes moved by runs that have ended', [[{}, bytes]]),
    ...metric('sluice_target_checks_total', 'counter', 'Performance targets that were checked on runs of this server, by outcome', checked.flatMap(({ job, target, met, missed }) => [[{ job, target, outcome: 'met' }, met] as Sample, [{ job, target, outcome: 'missed' }, missed] as Sample])),
    ...metric('sluice_target_wanted', 'gauge', 'What the last run of its kind was to reach', checked.map(({ job, target, wanted }) => [{ job, target }, wanted] as Sample)),
    ...metric('sluice_target_measured', 'gauge', 'What the last run of its kind has reached', checked.map(({ job, target, lastMeasured }) => [{ job, target }, lastMeasured] as Sample)),
    ...metric('sluice_alerts_open', 'gauge', 'Runs that failed or missed a target, and that nobody has acknowledged', [[{}, runStore.openAlerts()]]),
    ...metric('sluice_waiting', 'gauge', 'Runs and look-ups that wait for connections', [[{}, budget.waiting]]),
    ...metric('sluice_database_connections', 'gauge', 'Connections to databases that are given out', [[{}, budget.connections]]),
    ...metric('sluice_event_listeners', 'gauge', 'Clients that follow events', [[{}, hub.listeners]]),
    ...metric('process_resident_memory_bytes', 'gauge', 'Resident memory', [[{}, process.memoryUsage.rss()]]),
    ...metric('process_cpu_seconds_total', 'counter', 'Processor time', [[{}, cpuSeconds()]]),
    ...metric('process_uptime_seconds', 'gauge', 'Since the start', [[{}, process.uptime()]]),
  ];
  return `${lines.join('\n')}\n`;
}

type Sample = readonly [labels: Readonly<Record<string, string>>, value: number];

function metric(name: string, type: 'gauge' | 'counter', help: string, samples: readonly Sample[]): string[] {
  return [`# HELP ${name} ${help}`, `# TYPE ${name} ${type}`, ...samples.map(([labels, value]) => `${name}${labelText(labels)} ${value}`)];
}

function labelText(labels: Readonly<Record<string, string>>): string {
  const pairs = Object.entries(labels).map(([name, value]) => `${name}=${JSON.stringify(value)}`);
  return pairs.length === 0 ? '' : `{${pairs.join(',')}}`;
}

function cpuSeconds(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e6;
}
