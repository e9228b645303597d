import { SluiceError } from '../../errors/sluice-error.ts';
import type { VerifyReport } from './verify.ts';

const MOST_NAMED = 5;

/** What a verification that found something fails with; undefined when all is well. */
export function verificationProblem({ problems: named, moreProblems, damagedBackups }: VerifyReport, path: string): SluiceError | undefined {
  const problems = named.length + moreProblems;
  if (problems === 0) return undefined;
  const summary = damagedBackups.length === 0 ? 'no backup is affected' : `affected are ${damagedBackups.slice(0, MOST_NAMED).join(', ')}${damagedBackups.length > MOST_NAMED ? ' …' : ''}`;
  return new SluiceError('VERIFICATION_FAILED', { path, problems, summary });
}
