import { defineConfig } from 'vitest/config';
import base from './vitest.config.ts';

// test/faults/, and *.fault.test.ts beside what they are of: long, because failures take their time. Apart from npm test, so that that stays short.
export default defineConfig({ test: { ...base.test, include: ['test/faults/**/*.test.ts', 'test/**/*.fault.test.ts'], exclude: [] } });
