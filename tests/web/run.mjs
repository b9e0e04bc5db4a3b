// All tests of the page: node tests/web/run.mjs BUILD. First its functions, then the whole in a real browser on a real server
// with real training. Without chromium the second part is skipped and says so (status 77, which ctest counts as skipped).
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const here = dirname(fileURLToPath(import.meta.url)), build = resolve(process.argv[2] ?? join(here, '../../build'));
if (!existsSync(join(here, '../../web/node_modules/esbuild'))) {
  console.log('skipped: the packages of web/ are not installed (npm ci in web/)');
  process.exit(77);
}
const run = files => spawnSync(process.execPath, ['--test', '--test-reporter=spec', ...files], { stdio: 'inherit', env: { ...process.env, NNS_BUILD: build } }).status ?? 1;

const units = readdirSync(here).filter(name => name.endsWith('_test.mjs') && !name.startsWith('browser_')).map(name => join(here, name));
const failed = run(units);
const { chromiumPath } = await import('./support/stage.mjs');
if (!chromiumPath) {
  console.log('skipped: no chromium (Debian: apt install chromium; or name it in CHROMIUM)');
  process.exit(failed || 77);
}
const browsers = readdirSync(here).filter(name => /^browser_.*test\.mjs$/.test(name)).sort();
process.exit(failed || run(browsers.map(name => join(here, name))));
