// A TypeScript module of the page, bundled in memory and imported, so that its functions are tested without a browser.
import { dirname, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createRequire } from 'node:module';

export const root = resolve(dirname(fileURLToPath(import.meta.url)), '../../..');
const esbuild = createRequire(`${root}/web/package.json`)('esbuild');

async function make(path, format) {
  const made = await esbuild.build({
    entryPoints: [`${root}/${path}`], bundle: true, write: false, platform: 'neutral', ...format,
    mainFields: ['module', 'main'], jsx: 'automatic', jsxImportSource: 'preact', loader: { '.css': 'empty' }, nodePaths: [`${root}/web/node_modules`],
  });
  return Buffer.from(made.outputFiles[0].contents);
}

export async function bundle(path) {
  return import('data:text/javascript;base64,' + (await make(path, { format: 'esm' })).toString('base64'));
}

// The same as a script for a page: what it exports is the global `name`.
export async function source(path, name) {
  return (await make(path, { format: 'iife', globalName: name })).toString();
}
