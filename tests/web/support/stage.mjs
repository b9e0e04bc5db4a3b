// The stage of the browser test and bench: a real server on a directory of its own, real recording processes, a real browser.
// Everything that was started is ended by close(), and the directory removed.
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { root } from './bundle.mjs';

export const chromiumPath = [process.env.CHROMIUM, '/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'].find(p => p && existsSync(p));
export const { chromium } = createRequire(`${root}/web/package.json`)('playwright-core');

export const pause = ms => new Promise(done => setTimeout(done, ms));

// Programs that ended by themselves and not well, with their last words: nothing is worth waiting for then.
const fallen = [];

// Waits until `look` gives something true, and gives it; says what it waited for when it does not. The limit is for a machine that is
// busy with much else: what comes in time is the bench's to say.
export const PATIENCE_MS = 20000;
export async function until(what, look, ms = PATIENCE_MS) {
  const end = Date.now() + ms;
  let last;
  while (Date.now() < end) {
    try {
      last = await look();
      if (last) return last;
    } catch (error) {
      last = error;
    }
    if (fallen.length) throw new Error(`waited for ${what}; ${fallen.join('; ')}`);
    await pause(25);
  }
  throw new Error(`waited ${ms} ms for ${what}; last: ${last instanceof Error ? last.message : JSON.stringify(last)}`);
}

function ended(child) {
  return child.exitCode !== null || child.signalCode !== null;
}

async function stop(child, signal) {
  if (ended(child)) return;
  const gone = new Promise(done => child.once('exit', done));
  child.kill(signal);
  const late = setTimeout(() => child.kill('SIGKILL'), 10000);
  await gone;
  clearTimeout(late);
}

export class Stage {
  constructor(build) {
    this.bin = join(build, 'bin');
    this.dir = mkdtempSync(join(tmpdir(), 'nnscope-web-'));
    this.shm = mkdtempSync(join(existsSync('/dev/shm') ? '/dev/shm' : tmpdir(), 'nnscope-web-')); // lanes of trainers that are killed here go with it
    this.children = [];
    this.said = '';
    this.atExit = () => this.wipe(); // of a test that never came to close()
    process.once('exit', this.atExit);
  }

  env() {
    const { NNSCOPE_RUN, NNSCOPE_URL, NNSCOPE_TOKEN, ...rest } = process.env;
    return { ...rest, NNSCOPE_DIR: this.dir, NNSCOPE_SHM: this.shm };
  }

  start(program, args) {
    const child = spawn(join(this.bin, program), args, { env: this.env(), stdio: ['ignore', 'pipe', 'pipe'] });
    child.on('error', error => fallen.push(`${program}: ${error.message}`));
    child.on('close', (code, signal) => {
      if (code || !['SIGKILL', 'SIGTERM', 'SIGINT', null].includes(signal)) fallen.push(`${program} has ended with ${code ?? signal}: ${this.said.slice(-2000)}`);
    });
    this.children.push(child);
    return child;
  }

  // The server on a free port (or on the one before, after a restart); its printed address, with the token.
  async serve() {
    this.server = this.start('nnscope', ['server', '--dir', this.dir, '--port', String(this.port ?? 0)]);
    let out = '';
    this.server.stdout.on('data', text => (out += text));
    this.server.stderr.on('data', text => (this.said += text));
    const address = await until('the printed address', () => {
      if (ended(this.server)) throw new Error(`the server ended: ${this.said}`);
      return out.match(/https?:\/\/\S+/)?.[0];
    }, 30000);
    const url = new URL(address);
    this.port = url.port;
    this.token = url.searchParams.get('token');
    this.origin = url.origin;
    return (this.address = address);
  }

  train(...args) {
    const child = this.start('web_trainer', args);
    child.stdout.resume();
    child.stderr.on('data', text => (this.said += text));
    return child;
  }

  async api(path, options = {}) {
    const answer = await fetch(`${this.origin}/api/v1/${path}`, {
      ...options, headers: { Authorization: `Bearer ${this.token}`, 'Content-Type': 'application/json', ...options.headers },
    });
    const type = answer.headers.get('content-type') ?? '';
    const body = type.includes('json') ? await answer.json() : await answer.text();
    if (!answer.ok) throw Object.assign(new Error(`${path}: ${answer.status} ${JSON.stringify(body)}`), { status: answer.status, body });
    return body;
  }

  async runNamed(name) {
    return until(`the run ${name}`, async () => (await this.api('runs')).runs.find(run => run.name === name));
  }

  // Every point of a series, as [{step, value}].
  async points(run, series) {
    const csv = await this.api(`runs/${run}/points?series=${encodeURIComponent(series)}`, { headers: { Accept: 'text/csv' } });
    const [head, ...lines] = csv.trim().split('\n'), names = head.split(','), at = names.length - 1;
    return lines.map(line => line.split(',')).map(cells => ({ step: Number(cells[0]), value: Number(cells[at]) }));
  }

  async browse(options = {}) {
    this.browser ??= await chromium.launch({ executablePath: chromiumPath, args: ['--disable-gpu', '--no-sandbox', ...(options.args ?? [])] });
    const context = await this.browser.newContext({ viewport: { width: 1440, height: 900 }, colorScheme: 'dark', acceptDownloads: true, ...options.context });
    const page = await context.newPage();
    page.setDefaultTimeout(PATIENCE_MS);
    page.problems = [];
    page.on('pageerror', error => page.problems.push(error.message));
    page.on('console', message => message.type() === 'error' && !/ERR_CONNECTION|WebSocket connection|Failed to load resource/.test(message.text()) && page.problems.push(message.text()));
    return page;
  }

  async restartServer(signal = 'SIGKILL') {
    await stop(this.server, signal);
    return this.serve();
  }

  async close() {
    await this.browser?.close().catch(() => {});
    for (const child of this.children.reverse()) await stop(child, 'SIGTERM');
    process.off('exit', this.atExit);
    this.wipe();
    fallen.length = 0;
  }

  // What is left: nothing, unless NNS_KEEP is set.
  wipe() {
    for (const child of this.children) if (!ended(child)) child.kill('SIGKILL');
    if (process.env.NNS_KEEP) console.error(`kept: ${this.dir} ${this.shm}`);
    else for (const folder of [this.dir, this.shm]) rmSync(folder, { recursive: true, force: true });
  }
}
