// Play: the moments one after the other, so many a second; it waits for each to be there, and ends live.
import { signal } from '@preact/signals';
import type { Network } from '../../state/network';
import { nearest } from '../../state/snapshots';
import { setNetwork, view } from '../../state/view';

export const SPEEDS: readonly number[] = [1, 2, 5, 10, 20]; // snapshots a second
export const speed = signal(5);
export const playing = signal(false);

let timer = 0;

export function stopPlay(): void {
  clearTimeout(timer);
  playing.value = false;
}

async function tick(network: Network): Promise<void> {
  const began = performance.now(), { snapshots } = network.snapshots.list.peek(), { moment } = view.peek().network;
  const next = (moment === null ? -1 : nearest(snapshots, moment)) + 1, step = snapshots[next]?.step;
  if (step === undefined) {
    stopPlay();
    return setNetwork({ moment: null });
  }
  await network.snapshots.load(step);
  if (!playing.peek()) return;
  setNetwork({ moment: step });
  timer = window.setTimeout(() => void tick(network), Math.max(0, 1000 / speed.peek() - (performance.now() - began)));
}

// From the moment that is shown; from the first when the newest (or nothing but live) is.
export function togglePlay(network: Network): void {
  if (playing.peek()) return stopPlay();
  const { snapshots } = network.snapshots.list.peek(), { moment } = view.peek().network;
  if (!snapshots.length) return;
  if (moment !== null && moment >= snapshots[snapshots.length - 1]!.step) setNetwork({ moment: null });
  playing.value = true;
  void tick(network);
}
