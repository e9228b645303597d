import { describe, expect, it } from 'vitest';
import type { LoadedConfiguration } from '../../src/config/configuration.ts';
import { resolveSettings, workspaceFolder } from '../../src/config/settings.ts';

const none: LoadedConfiguration = { settings: {}, folder: '/cwd' };
const file: LoadedConfiguration = { settings: { jobs: 2, partSize: 200, engineMemory: 2000, workspace: 'w' }, file: '/etc/x/sluice.config.json', folder: '/etc/x' };

describe('resolveSettings', () => {
  it('leaves absent what nobody set', () => {
    expect(resolveSettings({}, {}, none, '/cwd')).toEqual({ workspace: '/cwd/.sluice' });
  });

  it('takes the flag before the environment before the file', () => {
    const env = { SLUICE_JOBS: '3', SLUICE_PART_SIZE: '3kB', SLUICE_ENGINE_MEMORY: '3MB' };
    expect(resolveSettings({}, {}, file, '/cwd')).toEqual({ workspace: '/etc/x/w', jobs: 2, partBytes: 200, engineMemoryBytes: 2000 });
    expect(resolveSettings({}, env, file, '/cwd')).toMatchObject({ jobs: 3, partBytes: 3000, engineMemoryBytes: 3_000_000 });
    expect(resolveSettings({ jobs: '4', partSize: '4kB' }, env, file, '/cwd')).toMatchObject({ jobs: 4, partBytes: 4000, engineMemoryBytes: 3_000_000 });
  });

  it('counts an empty variable as unset', () => {
    expect(resolveSettings({}, { SLUICE_JOBS: '', SLUICE_PART_SIZE: '', SLUICE_HOME: '' }, none, '/cwd')).toEqual({ workspace: '/cwd/.sluice' });
  });

  it.each(['0', '257', '1.5', '-1', 'two', '1e1', ' '])('refuses %j jobs', (jobs) => {
    expect(() => resolveSettings({ jobs }, {}, none, '/cwd')).toThrow(expect.objectContaining({ code: 'USAGE', message: expect.stringContaining('--jobs') }));
    expect(() => resolveSettings({}, { SLUICE_JOBS: jobs }, none, '/cwd')).toThrow(expect.objectContaining({ message: expect.stringContaining('SLUICE_JOBS') }));
  });
});

describe('workspaceFolder', () => {
  it('is SLUICE_HOME, then the setting relative to its file, then .sluice here', () => {
    expect(workspaceFolder({ SLUICE_HOME: 'here' }, file, '/cwd')).toBe('/cwd/here');
    expect(workspaceFolder({ SLUICE_HOME: '/abs' }, file, '/cwd')).toBe('/abs');
    expect(workspaceFolder({}, file, '/cwd')).toBe('/etc/x/w');
    expect(workspaceFolder({}, undefined, '/cwd')).toBe('/cwd/.sluice');
  });
});
