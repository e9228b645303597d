/** Says of each test that was skipped why, on the terminal: a test that silently does not run is none. */
import type { Reporter, TestModule } from 'vitest/node';

// oxlint-disable-next-line no-default-export -- vitest takes a reporter's file by its default export
export default class SkippedTests implements Reporter {
  #isFiltered = false;

  onInit(vitest: Parameters<NonNullable<Reporter['onInit']>>[0]): void {
    this.#isFiltered = vitest.config.testNamePattern !== undefined;
  }

  onTestRunEnd(modules: readonly TestModule[]): void {
    for (const module of modules) {
      for (const test of module.children.allTests('skipped')) {
        const result = test.result();
        const reason = result.state === 'skipped' ? result.note : undefined;
        // With -t everything else is skipped, and nobody wonders why.
        if (reason === undefined && this.#isFiltered) continue;
        process.stdout.write(`skipped: ${module.relativeModuleId} > ${test.fullName}: ${reason ?? 'no reason is given'}\n`);
      }
    }
  }
}
