// Keys of the Network tab: , and . belong to the page (one step of training); here [ ] step through time, \ goes live, 0 fits.
import { nearest } from '../../state/snapshots';
import type { Network } from '../../state/network';
import { setNetwork, view } from '../../state/view';
import { stopPlay, togglePlay } from './play';
import { picture } from './seen';

export function stepMoment(network: Network, by: number): void {
  const { snapshots } = network.snapshots.list.peek(), { moment } = view.peek().network;
  if (!snapshots.length) return;
  const at = moment === null ? snapshots.length : nearest(snapshots, moment), next = at + by;
  if (next >= snapshots.length) setNetwork({ moment: null });
  else setNetwork({ moment: snapshots[Math.max(0, next)]!.step });
}

function press(network: Network, key: string): boolean {
  switch (key) {
    case '[': stopPlay(), stepMoment(network, -1); return true;
    case ']': stopPlay(), stepMoment(network, 1); return true;
    case '\\': stopPlay(), setNetwork({ moment: null }); return true;
    case 'p': togglePlay(network); return true;
    case '0': picture.peek()?.fit(); return true;
  }
  return false;
}

export function listenNetworkKeys(network: Network): () => void {
  const down = (e: KeyboardEvent) => {
    const at = e.target as HTMLElement, typing = at.closest?.('input:not([type=range]), textarea, select, [contenteditable], dialog');
    if (e.key === 'Escape' && !typing && view.peek().network.place && !e.defaultPrevented) return setNetwork({ place: null });
    if (!typing && !e.ctrlKey && !e.metaKey && !e.altKey && press(network, e.key)) e.preventDefault();
  };
  addEventListener('keydown', down);
  return () => removeEventListener('keydown', down);
}
