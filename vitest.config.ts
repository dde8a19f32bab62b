import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    projects: ['packages/*', 'packages/backend-ort/conformance', 'tools'],
    // As many files at a time as there are cores: most tests wait for processes of their own.
    maxWorkers: '100%',
    reporters: ['default', './tools/count-reporter.ts'],
  },
});
