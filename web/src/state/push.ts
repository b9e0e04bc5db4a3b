// The pusher of each run, on the page's link. It lives as long as the page: changing tabs forgets nothing. While somebody sees the
// answer, in the Try tab or in the network picture, it pushes again by itself: as long as the run trains; while it holds, when a
// step was made or the connection is back.
import { effect, signal, untracked } from '@preact/signals';
import type { Capture } from '../link/capture';
import { link } from './link';
import { Pusher } from './pusher';
import { isOver, runs } from './runs';

export interface Try { readonly pusher: Pusher; use(): () => void }

const known = new Map<string, Try>();

// The run whose last answer the network picture shows (as quantity `value`); '': none.
export const inPicture = signal('');

function make(run: string): Try {
  const pusher = new Pusher((ask, done) => link.push(run, ask, done)), uses = signal(0);
  let moment = -1; // the step at which it holds and was asked
  effect(() => {
    const state = runs.value.get(run), used = uses.value > 0 || inPicture.value === run;
    const live = used && link.state.value.up && state !== undefined && !isOver(state), holds = live && state.state === 'paused';
    untracked(() => {
      pusher.repeat(live && !holds);
      const now = holds ? state.last_step : -1;
      if (holds && now !== moment) pusher.renew();
      moment = now;
    });
  });
  return {
    pusher,
    use: () => {
      uses.value = uses.peek() + 1;
      return () => void (uses.value = uses.peek() - 1);
    },
  };
}

export function tryOf(run: string): Try {
  let found = known.get(run);
  if (!found) known.set(run, (found = make(run)));
  return found;
}

// For the network picture: the last answer of this run, null when it is not to be shown there.
export const pushedValues = (run: string): Capture | null => (inPicture.value === run ? tryOf(run).pusher.answer.value?.capture ?? null : null);
