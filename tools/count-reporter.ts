// Ends a test run with one plain line that a machine can read: `N passed, N failed, N skipped`.
import type { Reporter, TestModule } from 'vitest/node';

export default class CountReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[], errors: readonly unknown[]): void {
    const count = { passed: 0, failed: errors.length, skipped: 0, pending: 0 };
    for (const module of modules) {
      // A file that cannot be collected has no tests; it must not pass unseen.
      count.failed += module.errors().length;
      for (const test of module.children.allTests()) count[test.result().state]++;
    }
    // After the default reporter's own summary, which is written in the same tick.
    setImmediate(() =>
      console.log(`${count.passed} passed, ${count.failed} failed, ${count.skipped + count.pending} skipped`),
    );
  }
}
