// How the pages are built: hashed names under assets/, nothing inline, so that the content policy needs no exception.
import { svelte } from '@sveltejs/vite-plugin-svelte';
import type { Plugin } from 'vite';
import { defineConfig } from 'vitest/config';

const server = process.env.TURNSTONE_SERVER ?? 'http://127.0.0.1:7400';
const proxied = { target: server, changeOrigin: true };

/** The API is spoken in binary only, and in proto3: the JSON half of the protobuf runtime and default values, which everything imports
 * and nothing calls, stay out. */
const withoutJson: Plugin = {
  name: 'without-json',
  enforce: 'pre',
  resolveId(source, importer) {
    const isJson = /\/(?:(?:from|to)-json|text-format)\.js$/.test(source) && importer?.includes('/@bufbuild/protobuf/');
    return isJson ? new URL('./src/lib/api/no-json.ts', import.meta.url).pathname : null;
  },
};

/** Generated code carries its .proto file in binary: a reader of what is in ours takes the place of one for all that may be. It gets
 * the bytes as they are, since Base64 hides from compression that they are mostly names. */
const withSmallDescriptors: Plugin = {
  name: 'with-small-descriptors',
  apply: 'build',
  enforce: 'pre',
  resolveId(source, importer) {
    const isRead = /\/(?:from-binary|descriptor_pb|base64-encoding)\.js$/.test(source);
    const isOurs = isRead && importer?.endsWith('/esm/codegenv2/file.js');
    return isOurs ? new URL('./src/lib/api/file-descriptor.ts', import.meta.url).pathname : null;
  },
  transform(code, id) {
    if (!/_pb\.(?:js|ts)$/.test(id)) return null;
    const bytes = (base64: string) => JSON.stringify(Buffer.from(base64, 'base64').toString('latin1'));
    return code.replace(/\bfileDesc\("([\w+/=]*)"/g, (_, base64: string) => `fileDesc(${bytes(base64)}`);
  },
};

/** Parts of Svelte's runtime that these pages never use: taking over what a server rendered, and components of before runes. What
 * Svelte guards by a variable is guarded by a constant here, so that it stays out. */
const withoutUnused: Plugin = {
  name: 'without-unused',
  apply: 'build',
  enforce: 'pre',
  transform(code, id) {
    if (!id.includes('/svelte/src/internal/')) return null;
    if (id.endsWith('/flags/index.js')) return constants(id, code, /export let (\w+_mode_flag) = false;/g, 3);
    if (id.endsWith('/client/dom/hydration.js')) return constants(id, code, /export let (hydrating) = false;/g, 1);
    return null;
  },
};

/** `code` with these variables as constants, and what sets them doing nothing. */
function constants(id: string, code: string, variables: RegExp, count: number): string {
  const names = [...code.matchAll(variables)].map(([, name]) => name);
  if (names.length !== count) throw new Error(`${id}: expected ${count} variables, found ${names.length}`);
  const set = new RegExp(`^\\s*(?:${names.join('|')}) = .*$`, 'gm');
  return code.replace(variables, 'export const $1 = false;').replace(set, '');
}

export default defineConfig({
  plugins: [withoutJson, withSmallDescriptors, withoutUnused, svelte()],
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
    // One file of styles and two of code, since much of it is alike: apart they are 9 kB more, compressed.
    cssCodeSplit: false,
    assetsInlineLimit: 0,
    // Wrapped imports cost more than they save here; scripts/finish.mjs names what is wanted at once.
    modulePreload: false,
    reportCompressedSize: false,
    rolldownOptions: {
      output: {
        codeSplitting: {
          groups: [{ name: 'pages', test: /\/src\/(?:pages\/(?:alerts|search|diagnose|sign-in)|lib\/message)\// }],
        },
      },
    },
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
