/**
 * Property tests take the same cases each time, so that a change passes or fails for what it changes. SLUICE_TEST_SEED=random looks for new ones (the failure names its seed), a number repeats them.
 */
import fc from 'fast-check';

const FIXED = 20_261_122;
const chosen = process.env.SLUICE_TEST_SEED ?? '';

if (chosen !== 'random') fc.configureGlobal({ ...fc.readConfigureGlobal(), seed: chosen === '' ? FIXED : Number(chosen) });
