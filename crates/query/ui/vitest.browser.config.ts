// Tests of the pages in a browser against the real programs: `npm run test:browser`. One file at a time, since each starts a whole
// Turnstone; no repeats, since a test that passes sometimes says nothing.
import { defineConfig } from 'vitest/config';

export default defineConfig({
  resolve: {
    alias: {
      $lib: new URL('./src/lib', import.meta.url).pathname,
      $gen: new URL('./src/gen', import.meta.url).pathname,
    },
  },
  test: {
    // `npm run measure` prints figures instead, which are no tests: machines differ.
    include: process.env['TURNSTONE_MEASURE'] ? ['test/browser/measure.ts'] : ['test/browser/**/*.test.ts'],
    environment: 'node',
    globalSetup: 'test/browser/harness/global.ts',
    // A process for each file, so that the kernel ends its children when it is killed.
    pool: 'forks',
    fileParallelism: false,
    // Limits for what hangs; a test that takes seconds here may take a minute where much else runs.
    testTimeout: 180_000,
    hookTimeout: 240_000,
    teardownTimeout: 30_000,
    retry: 0,
    expect: { poll: { timeout: 30_000, interval: 50 } },
  },
});
