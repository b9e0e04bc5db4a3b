// A TypeScript module of the page, bundled in memory and imported, so that its functions are tested without a browser.
import { dirname, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createRequire } from 'node:module';

export const root = resolve(dirname(fileURLToPath(import.meta.url)), '../../..');
const esbuild = createRequire(`${root}/web/package.json`)('esbuild');

export async function bundle(path) {
  const made = await esbuild.build({
    entryPoints: [`${root}/${path}`], bundle: true, write: false, format: 'esm', platform: 'neutral',
    mainFields: ['module', 'main'], jsx: 'automatic', jsxImportSource: 'preact', loader: { '.css': 'empty' }, nodePaths: [`${root}/web/node_modules`],
  });
  return import('data:text/javascript;base64,' + Buffer.from(made.outputFiles[0].contents).toString('base64'));
}
