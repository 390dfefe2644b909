// How the pages are built: hashed names under assets/, nothing inline, so that the content policy needs no exception.
import { svelte } from '@sveltejs/vite-plugin-svelte';
import type { Plugin } from 'vite';
import { defineConfig } from 'vitest/config';

const server = process.env.TURNSTONE_SERVER ?? 'http://127.0.0.1:7400';
const proxied = { target: server, changeOrigin: true };

/** The API is spoken in binary only: the JSON half of the protobuf runtime, which everything imports and nothing calls, stays out. */
const withoutJson: Plugin = {
  name: 'without-json',
  enforce: 'pre',
  resolveId(source, importer) {
    const isJson = /\/(?:from|to)-json\.js$/.test(source) && importer?.includes('/@bufbuild/protobuf/');
    return isJson ? new URL('./src/lib/api/no-json.ts', import.meta.url).pathname : null;
  },
};

export default defineConfig({
  plugins: [withoutJson, svelte()],
  resolve: {
    // Tests run the client side of Svelte.
    conditions: process.env.VITEST ? ['browser', 'module'] : undefined,
    alias: {
      $lib: new URL('./src/lib', import.meta.url).pathname,
      $gen: new URL('./src/gen', import.meta.url).pathname,
    },
  },
  build: {
    target: 'es2022',
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
    license: { fileName: 'licenses.md' },
  },
  server: {
    host: '127.0.0.1',
    port: 5173,
    proxy: {
      '^/turnstone\\.v1\\.': proxied,
      '/v1/': proxied,
      '/healthz': proxied,
      '/readyz': proxied,
      '/metrics': proxied,
    },
  },
  test: { include: ['src/**/*.test.ts'], environment: 'node' },
});
