// Which panels series make, and what a pattern and a filter match.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Series } from '../src/link/messages';
import { filterOf, leafOf, matcher, panelsOf } from '../src/state/panels';

const list = (...names: string[]): Series[] => names.map(name => ({ name, kind: 'scalar' }));

test('grouped by prefix, training first, the machine last', () => {
  const groups = panelsOf([list('system/cpu', 'val/loss', 'train/loss', 'loss', 'train/accuracy')], []);
  assert.deepEqual(groups.map(g => g.name), ['train', 'val', 'run', 'system']);
  assert.deepEqual(groups[0].panels.map(p => p.title), ['train/loss', 'train/accuracy']);
});

test('layers share a panel, several runs share panels, other kinds make none', () => {
  const groups = panelsOf([list('layer/fc1/norm', 'layer/fc2/norm'), [...list('layer/fc2/norm', 'layer/out/norm'), { name: 'samples', kind: 'sample' }]], []);
  assert.equal(groups.length, 1);
  const [panel] = groups[0].panels;
  assert.deepEqual([panel.id, panel.title, panel.series], ['layer/*/norm', 'layer/norm', ['layer/fc1/norm', 'layer/fc2/norm', 'layer/out/norm']]);
  assert.equal(leafOf(panel, 'layer/fc2/norm'), 'fc2');
});

test('a panel made by hand holds what its pattern matches', () => {
  const [first] = panelsOf([list('train/loss', 'val/loss', 'train/accuracy')], ['*/loss']);
  assert.deepEqual(first.panels[0].series, ['train/loss', 'val/loss']);
  assert.ok(first.panels[0].added);
});

test('patterns and filters', () => {
  assert.ok(matcher('train/*')('train/loss') && !matcher('train/*')('val/loss'));
  assert.ok(!matcher('a.c')('abc'), 'a dot is a dot');
  assert.ok(filterOf('loss tr')('train/loss') && !filterOf('loss tr')('val/loss'));
  assert.ok(filterOf('val,acc*')('val/loss'));
  assert.ok(filterOf('')('anything'));
});
