import react from '@vitejs/plugin-react';
import { defineConfig } from 'vitest/config';

// The API that `npm run dev` talks to: the real program, or the mock server (`npm run mock`).
const api = process.env.TELLTALE_URL ?? 'http://127.0.0.1:8787';

export default defineConfig({
  base: '/app/',
  plugins: [react()],
  build: {
    target: 'es2022',
    // Everything stays a file of its own: the page's content security policy allows no inline
    // script, no inline style and no data: URL.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    // The notices of what is bundled travel with it.
    license: { fileName: 'licenses.txt' },
  },
  server: {
    proxy: { '/anomalies': api, '/status': api, '/auth': api },
  },
  test: {
    environment: 'jsdom',
    environmentOptions: { jsdom: { url: 'http://localhost/app/' } },
    globals: true,
    testTimeout: 30_000, // a busy machine is no failure
    setupFiles: ['src/test/setup.ts'],
    include: ['src/**/*.test.{ts,tsx}'],
    coverage: {
      provider: 'v8',
      include: ['src/**/*.{ts,tsx}'],
      exclude: ['src/main.tsx', 'src/test/**', 'src/**/*.test.{ts,tsx}'],
      reporter: ['text', 'json-summary'],
      thresholds: { lines: 80, statements: 80, functions: 80, branches: 70 },
    },
  },
});
