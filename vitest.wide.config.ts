import { defineConfig, mergeConfig } from 'vitest/config';
import base from './vitest.config.ts';

// The wide tests run on real data sets that are not part of the project; scripts/test-wide.ts says where they are.
export default mergeConfig(
  { ...base, test: { ...base.test, include: [], exclude: [] } },
  defineConfig({ test: { include: ['test/wide/**/*.test.ts'], testTimeout: 600_000, hookTimeout: 600_000 } }),
);
