// Runs test/*.test.ts with node's test runner: esbuild turns each into a module in a temporary directory.
import { build } from 'esbuild';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const here = dirname(fileURLToPath(import.meta.url));
const wanted = process.argv.slice(2);
const files = readdirSync(join(here, 'test')).filter((f) => f.endsWith('.test.ts') && (!wanted.length || wanted.some((w) => f.includes(w))));
const dir = mkdtempSync(join(tmpdir(), 'nnscope-web-'));
let status = 1;
try {
  await build({
    absWorkingDir: here, entryPoints: files.map((f) => join('test', f)), outdir: dir, bundle: true, platform: 'node', format: 'esm',
    jsx: 'automatic', jsxImportSource: 'preact', logLevel: 'warning', sourcemap: 'inline', loader: { '.css': 'empty', '.svg': 'text' },
  });
  writeFileSync(join(dir, 'package.json'), '{"type": "module"}');
  const tests = files.map((f) => join(dir, f.replace(/\.ts$/, '.js')));
  status = spawnSync(process.execPath, ['--enable-source-maps', '--test', ...tests], { stdio: 'inherit' }).status ?? 1;
} finally {
  rmSync(dir, { recursive: true, force: true });
}
process.exit(status);
