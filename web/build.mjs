// Builds the page: web/src -> web/dist, names hashed by content, a .gz beside each file. Prints the sizes and fails when the
// first paint (index.html, its styles and scripts) is above its budget.
//
//     node build.mjs [--watch] [--out DIR]
import { build, context } from 'esbuild';
import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';

const FIRST_PAINT_BUDGET_KB = 120;
const here = dirname(fileURLToPath(import.meta.url));
const argument = process.argv.indexOf('--out');
const out = resolve(argument > 0 ? process.argv[argument + 1] : join(here, 'dist'));

const options = {
  absWorkingDir: here,
  entryPoints: { app: 'src/main.tsx', session: 'src/session.ts' },
  bundle: true,
  splitting: true,
  format: 'esm',
  target: 'es2022',
  minify: true,
  sourcemap: false,
  legalComments: 'none',
  jsx: 'automatic',
  jsxImportSource: 'preact',
  outdir: out,
  entryNames: '[name]-[hash]',
  chunkNames: 'chunk-[hash]',
  assetNames: '[name]-[hash]',
  loader: { '.svg': 'text' },
  metafile: true,
  write: false,
  logLevel: 'warning',
};

// The files that the browser needs before the first paint: the app, its styles, and whatever those import at once.
function firstPaint(metafile, entry) {
  const byName = Object.entries(metafile.outputs).map(([path, info]) => [basename(path), info]);
  const files = new Map(byName);
  const needed = new Set();
  const visit = (name) => {
    if (needed.has(name)) return;
    needed.add(name);
    for (const other of files.get(name)?.imports ?? []) if (other.kind === 'import-statement') visit(basename(other.path));
  };
  const [name, info] = byName.find(([, i]) => i.entryPoint === entry);
  visit(name);
  if (info.cssBundle) needed.add(basename(info.cssBundle));
  return { script: name, style: info.cssBundle && basename(info.cssBundle), needed };
}

const kb = (bytes) => (bytes / 1024).toFixed(1).padStart(7) + ' kB';

function write(result) {
  rmSync(out, { recursive: true, force: true });
  mkdirSync(out, { recursive: true });
  const packed = new Map();
  const put = (name, contents) => {
    const gz = gzipSync(contents, { level: 9 });
    writeFileSync(join(out, name), contents);
    writeFileSync(join(out, name + '.gz'), gz);
    packed.set(name, { bytes: contents.length, gz: gz.length });
  };
  for (const file of result.outputFiles) put(basename(file.path), Buffer.from(file.contents));

  const icon = readFileSync(join(here, 'src/app/icon.svg'));
  const iconName = `icon-${createHash('sha256').update(icon).digest('hex').slice(0, 8).toUpperCase()}.svg`;
  put(iconName, icon);

  const app = firstPaint(result.metafile, 'src/main.tsx'), session = firstPaint(result.metafile, 'src/session.ts');
  const fill = (template, part) => Buffer.from(readFileSync(join(here, template), 'utf8')
    .replace('{{script}}', part.script).replace('{{icon}}', iconName).replace('{{style}}', app.style));
  put('index.html', fill('src/index.html', app));
  put('session.html', fill('src/session.html', session));

  const first = new Set([...app.needed, 'index.html', iconName]);
  let total = 0;
  for (const [name, { bytes, gz }] of packed) {
    if (first.has(name)) total += gz;
    console.log(`${first.has(name) ? '*' : ' '} ${name.padEnd(28)} ${kb(bytes)} ${kb(gz)} gz`);
  }
  console.log(`* first paint ${kb(total)} gz of ${FIRST_PAINT_BUDGET_KB} kB`);
  return total <= FIRST_PAINT_BUDGET_KB * 1024;
}

if (process.argv.includes('--watch')) {
  const again = { name: 'write', setup: (b) => b.onEnd((r) => { if (r.outputFiles) write(r); }) };
  await (await context({ ...options, plugins: [again] })).watch();
} else if (!write(await build(options))) {
  console.error(`the first paint is above its budget of ${FIRST_PAINT_BUDGET_KB} kB gz`);
  process.exit(1);
}
