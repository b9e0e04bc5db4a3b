// What is open over the page.
import { signal } from '@preact/signals';

export const helpOpen = signal(false);
export const shareOpen = signal(false);
export const paletteOpen = signal(false);
export const listOpen = signal(false);   // the run list, where it has no room of its own
