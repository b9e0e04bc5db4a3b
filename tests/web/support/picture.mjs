// The network's picture alone in a real browser: bundled, put into an empty page, fed with networks that are made there.
import { createRequire } from 'node:module';
import { root } from './bundle.mjs';
import { chromiumPath } from './stage.mjs';

const require = createRequire(`${root}/web/package.json`);
const { chromium } = require('playwright-core'), esbuild = require('esbuild');

// Everything that the tests use, under the page's global `nn`.
const ENTRY = `
export { Picture } from './web/src/network/picture';
export { PLAIN } from './web/src/network/model';
export { legendOf, stripOf } from './web/src/network/legend';
export { rampOf, codeOf, valueAt, NONFINITE } from './web/src/network/scale';
export { INK } from './web/src/look/palette';
export { mlp, cnn, deep, random, halfOf } from './tests/web/support/networks.mjs';
`;

async function script() {
  const made = await esbuild.build({
    stdin: { contents: ENTRY, resolveDir: root, loader: 'js' }, bundle: true, write: false, format: 'iife', globalName: 'nn', target: 'es2022', logLevel: 'warning',
  });
  return made.outputFiles[0].text;
}

export async function openBrowser(args = []) {
  return chromium.launch({ executablePath: chromiumPath, args: ['--no-sandbox', '--disable-gpu', '--enable-unsafe-swiftshader', ...args] });
}

// A page of that size with `nn` in it and a host that fills it; options of playwright's contexts.
export async function openPage(browser, { width = 900, height = 620, mode = 'dark', ...context } = {}) {
  const page = await browser.newPage({ viewport: { width, height }, ...context });
  page.failures = [];
  page.on('pageerror', error => page.failures.push(String(error)));
  page.on('console', message => message.type() === 'error' && page.failures.push(message.text()));
  await page.setContent(`<!doctype html><html><body style="margin:0;background:${mode === 'dark' ? '#0a0d12' : '#f6f8fa'};font-family:system-ui"><div id="host" style="width:100vw;height:100vh"></div></body></html>`);
  await page.addScriptTag({ content: await script() });
  return page;
}
