// A server of its own for the checks in Chromium, and how they are told. Arguments: [program] [folder for screenshots]
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { chromium } from 'playwright-core';

const program = resolve(process.argv[2] ?? '../../target/debug/casebridge');
const pictures = process.argv[3] && resolve(process.argv[3]);
const folder = mkdtempSync(join(tmpdir(), 'casebridge-browser-'));
const port = await freePort();
export const base = `http://127.0.0.1:${port}`;
const ours = { DATA_DIR: join(folder, 'data'), LISTEN: `127.0.0.1:${port}`, PUBLIC_URL: base };
const env = { ...process.env };
for (const [name, value] of Object.entries(ours)) env[`CASEBRIDGE_${name}`] = value;
delete env.DATABASE_URL;
const server = spawn(program, ['serve'], { env, stdio: 'ignore' });

const trouble = [];
let failures = 0;

async function freePort() {
  const probe = createServer().listen(0, '127.0.0.1');
  await once(probe, 'listening');
  const { port: free } = probe.address();
  return new Promise((closed) => probe.close(() => closed(free)));
}

export function check(what, passed, found = '') {
  failures += passed ? 0 : 1;
  console.log(passed ? `ok     ${what}` : `FAILED ${what}: ${JSON.stringify(found)}`);
}

/** What `attempt` returns once it is something, within a minute. */
export async function until(what, attempt) {
  for (let tries = 300; tries > 0 && server.exitCode === null; tries -= 1) {
    const found = await attempt().catch(() => null);
    if (found) return found;
    await sleep(200);
  }
  throw new Error(`it does not come to that: ${what}`);
}

export const token = (role) => execFileSync(program, ['token', role], { env, stdio: ['ignore', 'pipe', 'ignore'] }).toString().trim();

export const picture = (page, name, more = {}) => pictures && page.screenshot({ path: join(pictures, `${name}.png`), ...more });

/** What the page says in its console, and whom else it asks, is trouble; refusals are tried on purpose. */
export function watch(page) {
  page.on('pageerror', (error) => trouble.push(error.message));
  page.on('console', (line) => line.type() === 'error' && !line.text().includes('the server responded') && trouble.push(line.text()));
  page.on('request', (request) => /^data:/.test(request.url()) || new URL(request.url()).origin === base || trouble.push(request.url()));
  return page;
}

/** Does the checks with a browser, and ends the process with 1 when one failed. */
export async function visit(checks) {
  let browser;
  try {
    await until('a server', async () => (await fetch(`${base}/health/ready`)).ok);
    browser = await chromium.launch({
      executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
      args: ['no-sandbox', 'disable-gpu', 'disable-quic', 'no-first-run', 'disable-background-networking',
        'disable-component-update', 'disable-sync'].map((flag) => `--${flag}`),
    });
    await checks(browser);
    check('nothing was reported in the console, and no other host was asked', trouble.length === 0, trouble);
  } finally {
    await browser?.close();
    if (server.exitCode === null && server.kill()) await once(server, 'exit');
    rmSync(folder, { recursive: true, force: true });
  }
  console.log(`${failures} checks failed.`);
  process.exitCode = Math.min(failures, 1);
}
