import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    projects: ['packages/*', 'packages/backend-ort/conformance', 'tools'],
    reporters: ['default', './tools/count-reporter.ts'],
  },
});
