// The crosshair set from elsewhere (an event that was picked): all charts in sight show it.
import type { RunEvent } from '../link/messages';

export type Pointed = (event: RunEvent) => void;
const charts = new Set<Pointed>();

export function onPointed(show: Pointed): () => void {
  charts.add(show);
  return () => void charts.delete(show);
}

export function showAt(event: RunEvent): void {
  for (const show of charts) show(event);
}
