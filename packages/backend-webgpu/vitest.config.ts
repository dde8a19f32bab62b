import { defineConfig } from 'vitest/config';

// A software adapter compiles every kernel for up to a second.
export default defineConfig({ test: { include: ['test/**/*.test.ts'], testTimeout: 900_000 } });
