// The transport: pause or resume, step, stop, and what became of them.
import { currentRun } from '../state/runs';
import type { CommandVerb } from '../link/messages';
import { asked, hindrance, steer, understands } from '../state/transport';
import { Icon, type IconName } from './icons';

interface Control { verb: CommandVerb; word: string; icon: IconName; hint: string; steps?: number }
const PAUSE: Control = { verb: 'pause', word: 'Pause', icon: 'pause', hint: 'pause (space)' };
const RESUME: Control = { verb: 'resume', word: 'Resume', icon: 'play', hint: 'resume (space)' };
const STEP: Control = { verb: 'step', word: 'Step', icon: 'step', hint: 'one step, then hold (.)', steps: 1 };
const STOP: Control = { verb: 'stop', word: 'Stop', icon: 'stop', hint: 'ask the program to stop' };

export function Transport() {
  const run = currentRun.value, why = hindrance(run), said = run && asked.value.get(run.id);
  if (!run) return null;
  const controls = [run.state === 'paused' ? RESUME : PAUSE, STEP, STOP].filter(c => understands(run, c.verb));
  if (!controls.length) return null;
  return (
    <div class="transport" role="group" aria-label="transport">
      {controls.map(c => (
        <button key={c.icon === 'play' ? 'pause' : c.verb} type="button" aria-label={c.verb} title={why || c.hint} disabled={why !== ''}
          aria-busy={said?.state === 'asked' && said.verb === c.verb} onClick={() => steer(run.id, c.verb, c.steps)}>
          <Icon name={c.icon} /><span>{c.word}</span>
        </button>
      ))}
    </div>
  );
}

// What was asked and what came of it; says it to screen readers too.
export function Said() {
  const run = currentRun.value, said = run && asked.value.get(run.id);
  return <span class={`said ${said?.state ?? ''}`} role="status">{said?.state === 'asked' ? `${said.verb}: asked\u2026` : said?.text ?? ''}</span>;
}
