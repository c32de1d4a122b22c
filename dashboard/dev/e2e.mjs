// Runs the browser tests against the mock server: `npm run build && npm run e2e:mock`.
import { spawn } from 'node:child_process';
import { startMock } from './mock-server.mjs';

const mock = await startMock();
const args = ['playwright', 'test', '-c', '../tests/e2e/playwright.config.ts'];
const child = spawn('npx', [...args, ...process.argv.slice(2)], {
    stdio: 'inherit',
    env: { ...process.env, TELLTALE_URL: mock.url, TELLTALE_LINK: mock.link() },
});
child.on('exit', (status) => {
    mock.stop();
    process.exitCode = status ?? 1;
});
