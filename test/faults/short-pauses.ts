/**
 * Loaded into a process under test before its program (NODE_OPTIONS=--import): the pauses between its retries are a twentieth. As many are made, but a server
 * that stays away is given up after one second instead of fifteen to thirty.
 */
import { syncBuiltinESMExports } from 'node:module';
import timers from 'node:timers/promises';

const { setTimeout: pause } = timers;
timers.setTimeout = (milliseconds, value, options) => pause(milliseconds === undefined ? undefined : milliseconds / 20, value, options);
syncBuiltinESMExports();
