// The address keeps the view: round trips, defaults left out, nonsense survived.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decodeView, DEFAULTS, encodeView, type View } from '../src/state/view';
import { PLAIN_NETWORK, type NetworkView } from '../src/state/network-view';
import { random } from './frames';

test('the default view leaves the address empty', () => {
  assert.equal(encodeView(DEFAULTS), '');
  assert.deepEqual(decodeView(''), DEFAULTS);
  assert.deepEqual(decodeView('#'), DEFAULTS);
});

const NAMES = ['train/loss', 'a b', 'ümlaut/日本', 'x,y', 'x~y', 'a&b=c', '100%', 'layer/*/norm', '+*/loss', '#', ':', '<script>'];

function someNetwork(r: () => number, one: () => string): NetworkView {
  if (r() < 0.3) return PLAIN_NETWORK;
  const unit = Math.floor(r() * 600) - 1, index = unit < 0 || r() < 0.5 ? -1 : Math.floor(r() * 1e6);
  return {
    part: r() < 0.5 ? 'picture' : 'sparsity', quantity: r() < 0.5 ? 'gradient' : 'update', scale: r() < 0.5 ? 'layer' : 'network', curve: r() < 0.5 ? 'log' : 'auto', links: r() < 0.5 ? 'matrices' : 'lines',
    strongest: Math.floor(r() * 9000), rate: r() < 0.5 ? 10 : 2, place: r() < 0.5 ? null : { layer: one(), unit, index },
    moment: r() < 0.5 ? null : Math.floor(r() * 1e7), compare: r() < 0.5,
  };
}

test('random views come back as they were', () => {
  for (let seed = 1; seed <= 300; seed++) {
    const r = random(seed), some = () => NAMES.filter(() => r() < 0.3), one = () => NAMES[Math.floor(r() * NAMES.length)];
    const view: View = {
      runs: ['A', '', 'B'].filter(() => r() < 0.8), tab: r() < 0.5 ? 'curves' : 'log', axis: (['step', 'time', 'epoch'] as const)[Math.floor(r() * 3)],
      smooth: r() < 0.5 ? 0 : Number(r().toFixed(3)) * 0.999, filter: r() < 0.5 ? '' : one(), zoom: r() < 0.5 ? null : { from: r() * 100 - 50, to: 100 + r() * 1e9 },
      closed: some(), opened: some(), added: some(), full: r() < 0.8 ? '' : one(), panels: {}, network: someNetwork(r, one),
    };
    if (view.runs.length === 1 && view.runs[0] === '') view.runs = [];
    for (const name of some()) view.panels[name] = { ...(r() < 0.5 ? { log: r() < 0.5 } : {}), ...(r() < 0.5 ? { low: r() - 0.5 } : {}), ...(r() < 0.3 ? { high: 1e-7 } : {}), pinned: true };
    const back = decodeView('#' + encodeView(view));
    assert.deepEqual(back, view, `seed ${seed}: ${encodeView(view)}`);
  }
});

test('an address that somebody broke still shows a page', () => {
  for (const hash of ['#runs=%E0%A4%A', '#zoom=a:b', '#zoom=5:1', '#x=sideways', '#smooth=NaN', '#panels=~~~,a', '#=', '#smooth=7', '#tab', '#at=:', '#at=%E0%A4%A:1', '#moment=x', '#pairs=-3', '#show=all'])
    assert.doesNotThrow(() => decodeView(hash));
  assert.equal(decodeView('#smooth=7').smooth, 0.999);
  assert.equal(decodeView('#zoom=5:1').zoom, null);
});
