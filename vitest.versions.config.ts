import { defineConfig, mergeConfig } from 'vitest/config';
import base from './vitest.config.ts';

// From one version of PostgreSQL to another: servers of several versions, most of them fetched when they are first asked for. `npm run test:matrix` runs them.
export default mergeConfig(
  { ...base, test: { ...base.test, include: [], exclude: [] } },
  defineConfig({ test: { include: ['test/versions/**/*.test.ts'], testTimeout: 120_000, hookTimeout: 180_000 } }),
);
