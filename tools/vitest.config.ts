import { defineProject } from 'vitest/config';

export default defineProject({ test: { name: 'readme', testTimeout: 60_000 } });
