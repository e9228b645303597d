import { configDefaults, defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    exclude: [...configDefaults.exclude, 'test/wide/**', 'test/versions/**', 'test/faults/**', 'test/page/**', 'test/**/*.fault.test.ts'],
    // One PostgreSQL for the whole run; its URL is in inject('postgresUrl') and SLUICE_TEST_POSTGRES_URL.
    globalSetup: ['test/helpers/global-setup.ts'],
    setupFiles: ['test/helpers/property-seed.ts'],
    reporters: ['default', './test/helpers/skipped-tests.ts'],
    // Processes of their own, because the tests measure memory, send signals and load native code.
    pool: 'forks',
    maxWorkers: 2,
    testTimeout: 30_000,
    hookTimeout: 60_000,
  },
});
