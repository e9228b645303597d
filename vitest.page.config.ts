import { defineConfig } from 'vitest/config';
import base from './vitest.config.ts';

// test/page/: the page in a real Chromium. Apart from npm test: it needs a browser, and the page built.
export default defineConfig({ test: { ...base.test, include: ['test/page/**/*.test.ts'], exclude: [], maxWorkers: 1, testTimeout: 90_000, hookTimeout: 120_000, expect: { poll: { timeout: 20_000, interval: 50 } } } });
