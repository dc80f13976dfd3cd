// How does the dashboard become files that the programs carry? Names change with what they hold, and text is compressed.
import { svelte } from '@sveltejs/vite-plugin-svelte';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import type { Plugin } from 'vite';
import { defineConfig } from 'vite';

/** What the first page may load, compressed. */
const FIRST_PAGE_BYTES_MAX = 150_000;

/** Puts a compressed copy beside each text once all is written, and refuses a first page that is too heavy. */
function compressed(): Plugin {
  return {
    name: 'compressed',
    apply: 'build',
    writeBundle({ dir = '' }, bundle) {
      const sizes = new Map<string, number>();
      for (const name of Object.keys(bundle).filter((name) => /\.(js|css|html)$/.test(name))) {
        const packed = gzipSync(readFileSync(join(dir, name)), { level: 9 });
        writeFileSync(join(dir, `${name}.gz`), packed);
        sizes.set(name, packed.length);
      }
      const entry = Object.values(bundle).find((file) => file.type === 'chunk' && file.isEntry);
      const first = entry?.type === 'chunk' ? [entry.fileName, ...entry.imports] : [];
      const bytes = first.reduce((sum, name) => sum + (sizes.get(name) ?? 0), 0);
      this.info(`the first page loads ${bytes} bytes of script, compressed`);
      if (bytes > FIRST_PAGE_BYTES_MAX) this.error(`more than ${FIRST_PAGE_BYTES_MAX} bytes`);
    },
  };
}

const gateway = process.env['TIDEGATE_URL'] ?? 'http://localhost:8080';

export default defineConfig({
  plugins: [svelte(), compressed()],
  build: { assetsDir: 'ui/assets', target: 'es2022', assetsInlineLimit: 0, modulePreload: { polyfill: false } },
  server: { proxy: { '/api': gateway, '/v1': gateway } },
});
