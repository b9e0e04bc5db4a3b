// The styles of all views are in the page together: none may style an element of another by chance.
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { test } from 'node:test';
import { root } from './support/bundle.mjs';

const source = join(root, 'web/src');
const sheets = readdirSync(source, { recursive: true }).filter(name => name.endsWith('.css')).map(name => join(source, name));

// The classes that a sheet styles wherever they stand: selectors of one class alone.
function bareClasses(sheet) {
  const text = readFileSync(sheet, 'utf8').replace(/\/\*[^]*?\*\//g, '').replace(/"[^"]*"/g, '""'), found = new Set();
  for (const [, selectors] of text.matchAll(/([^{}]*)\{/g))
    for (const selector of selectors.split(',')) {
      const name = selector.trim().match(/^\w*\.([a-z][\w-]*)(::?[\w-]+)*$/)?.[1];
      if (name) found.add(name);
    }
  return found;
}

test('no class is styled by two sheets', () => {
  const owners = new Map();
  for (const sheet of sheets) for (const name of bareClasses(sheet)) owners.set(name, [...(owners.get(name) ?? []), relative(source, sheet)]);
  assert.ok(owners.size > 100, `${owners.size} classes`);
  const twice = [...owners].filter(([, own]) => own.length > 1).map(([name, own]) => `.${name}: ${own.join(', ')}`);
  assert.deepEqual(twice, []);
});
