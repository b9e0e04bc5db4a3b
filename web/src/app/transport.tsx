// The transport: pause or resume, step, stop, and what became of them.
import { currentRun } from '../state/runs';
import { asked, hindrance, steer } from '../state/transport';
import { Icon } from './icons';

export function Transport() {
  const run = currentRun.value, why = hindrance(run), said = run && asked.value.get(run.id);
  const paused = run?.state === 'paused', id = run?.id ?? '';
  const waiting = (verb: string) => said?.state === 'asked' && said.verb === verb;
  return (
    <div class="transport" role="group" aria-label="transport">
      {paused
        ? <button type="button" aria-label="resume" title={why || 'resume (space)'} disabled={why !== ''} aria-busy={waiting('resume')} onClick={() => steer(id, 'resume')}><Icon name="play" /><span>Resume</span></button>
        : <button type="button" aria-label="pause" title={why || 'pause (space)'} disabled={why !== ''} aria-busy={waiting('pause')} onClick={() => steer(id, 'pause')}><Icon name="pause" /><span>Pause</span></button>}
      <button type="button" aria-label="step" title={why || 'one step, then hold (.)'} disabled={why !== ''} aria-busy={waiting('step')} onClick={() => steer(id, 'step', 1)}><Icon name="step" /><span>Step</span></button>
      <button type="button" aria-label="stop" title={why || 'ask the program to stop'} disabled={why !== ''} aria-busy={waiting('stop')} onClick={() => steer(id, 'stop')}><Icon name="stop" /><span>Stop</span></button>
    </div>
  );
}

// What was asked and what came of it; says it to screen readers too.
export function Said() {
  const run = currentRun.value, said = run && asked.value.get(run.id);
  return <span class={`said ${said?.state ?? ''}`} role="status">{said?.state === 'asked' ? `${said.verb}: asked\u2026` : said?.text ?? ''}</span>;
}
