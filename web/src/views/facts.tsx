// Facts: what is known of a run beside its curves: what it is called, when it ran, with which program on which machine, what
// nnscope cost, and its configuration as the program told it.
import { useEffect } from 'preact/hooks';
import type { ComponentChildren } from 'preact';
import type { Run } from '../link/messages';
import { getJson, segment } from '../link/rest';
import { bytes, dateTime, duration, number, percent, whole } from '../look/format';
import { isOver, putRun, runs } from '../state/runs';
import { useWatch } from '../state/watch';
import { Name, Notes, Tags } from './facts/labels';
import { isBranch, Tree, unfold, type Branch, type Json } from './facts/tree';
import './facts/facts.css';

// What the library tells by itself (keys: src/journal/event.def); everything else is the program's configuration. Which commands
// the run understands is seen in the controls that there are, and told among what nnscope does.
const OURS = ['process', 'git', 'build', 'machine', 'environment', 'commands'];

const branch = (v: unknown): Branch => (isBranch(v) ? v : {});

function configuration(facts: Record<string, unknown>): Branch {
  return unfold(Object.fromEntries(Object.entries(facts).filter(([name]) => !OURS.includes(name))));
}

function program(facts: Record<string, unknown>): Branch {
  const { command, ...process } = branch(facts.process), { dirty, ...git } = branch(facts.git);
  const line = Array.isArray(command) ? command.map(word => (/[^\w./:=,@+-]/.test(String(word)) ? `'${word}'` : String(word))).join(' ') : command;
  return {
    ...(line !== undefined && { arguments: line }), ...process,
    ...(git.commit !== undefined && { git: { ...git, ...(dirty !== undefined && { 'local changes': dirty }) } }),
    ...(Object.keys(branch(facts.build)).length > 0 && { build: branch(facts.build) }),
  };
}

function machine(facts: Record<string, unknown>): Branch {
  const { memory_bytes: memory, ...others } = branch(facts.machine);
  const told = Object.fromEntries(Object.entries(others).filter(([, v]) => !(Array.isArray(v) && v.length === 0)));
  return { ...told, ...(typeof memory === 'number' && { memory: bytes(memory) }) };
}

function Line({ name, children }: { name: string; children: ComponentChildren }) {
  return <div class="fact"><dt>{name}</dt><dd>{children}</dd></div>;
}

const at = (time: string | null | undefined) => (time ? dateTime(Date.parse(time)) : '');

function lasted(run: Run): string {
  if (!run.started) return '';
  const end = run.ended ? Date.parse(run.ended) : isOver(run) ? NaN : Date.now();
  return duration(end - Date.parse(run.started));
}

function exitWords(run: Run): string {
  if (run.exit !== null && run.exit !== undefined) return `${run.exit}`;
  return run.state === 'crashed' ? 'gone without a word' : 'unknown';
}

function Copy({ text }: { text: string }) {
  return <button type="button" class="facts-copy" title="copy" onClick={() => void navigator.clipboard?.writeText(text)}>{text}</button>;
}

function About({ run }: { run: Run }) {
  return (
    <section aria-label="run">
      <h2>Run</h2>
      <dl>
        <Line name="name"><Name run={run} /></Line>
        <Line name="project">{run.project}</Line>
        {run.group && <Line name="group">{run.group}</Line>}
        <Line name="id"><Copy text={run.id} /></Line>
        <Line name="tags"><Tags run={run} /></Line>
        <Line name="notes"><Notes run={run} /></Line>
      </dl>
    </section>
  );
}

function Course({ run }: { run: Run }) {
  return (
    <section aria-label="course">
      <h2>Course</h2>
      <dl>
        <Line name="state">{run.state}</Line>
        <Line name="step">{run.last_step >= 0 ? whole(run.last_step) : 'none yet'}{run.total_steps ? ` of ${whole(run.total_steps)}` : ''}</Line>
        {run.epoch ? <Line name="epoch">{number(run.epoch)}</Line> : null}
        {run.attempt ? <Line name="attempt">{whole(run.attempt + 1)}</Line> : null}
        {run.steps_per_s ? <Line name="speed">{number(run.steps_per_s)} steps/s</Line> : null}
        <Line name="started">{at(run.started)}</Line>
        {run.ended && <Line name="ended">{at(run.ended)}</Line>}
        <Line name="lasted">{lasted(run)}</Line>
        <Line name="paused">{run.paused_s ? duration(1000 * run.paused_s) : 'never'}</Line>
        {isOver(run) && <Line name="exit status">{exitWords(run)}</Line>}
      </dl>
    </section>
  );
}

function Cost({ run }: { run: Run }) {
  const lost = run.dropped ?? 0, failed = run.failed_bytes ?? 0, commands = run.facts?.commands;
  return (
    <section aria-label="nnscope">
      <h2>nnscope</h2>
      <dl>
        <Line name="share of step time">{percent(run.step_share ?? 0)}</Line>
        <Line name="helper's CPU">{percent(run.helper_share ?? 0)} of a core</Line>
        {Array.isArray(commands) && <Line name="understands">{commands.length ? commands.join(', ') : 'no commands'}</Line>}
        <Line name="points">{whole(run.points ?? 0)}</Line>
        <Line name="dropped"><span class={lost ? 'warn' : ''}>{lost ? `${whole(lost)} records` : 'nothing'}</span></Line>
        <Line name="not written"><span class={failed ? 'bad' : ''}>{failed ? `${whole(failed)} bytes` : 'nothing'}</span></Line>
      </dl>
    </section>
  );
}

function Processes({ run }: { run: Run }) {
  const processes = run.processes ?? [];
  if (processes.length === 0) return null;
  return (
    <section aria-label="processes">
      <h2>Processes</h2>
      <table class="facts-processes">
        <thead><tr><th>rank</th><th>host</th><th>pid</th><th>state</th></tr></thead>
        <tbody>
          {processes.map(p => <tr key={p.id}><td class="number">{p.rank}</td><td>{p.host ?? 'over HTTP'}</td><td class="number">{p.pid || ''}</td><td>{p.state}</td></tr>)}
        </tbody>
      </table>
      {processes.some(p => p.salvageable === false) && <p class="warn">No shared memory could be had: a kill may lose the last 8 ms of what was logged.</p>}
    </section>
  );
}

function Section({ name, value }: { name: string; value: Branch }) {
  if (Object.keys(value).length === 0) return null;
  return <section aria-label={name.toLowerCase()}><h2>{name}</h2><Tree value={value as Record<string, Json>} /></section>;
}

export function Facts({ run: id }: { run: string }) {
  useWatch(id);
  useEffect(() => {
    if (id) getJson<Run>('runs/' + segment(id)).then(putRun, () => {});
  }, [id]);
  const run = runs.value.get(id);
  if (!run) return <div class="empty"><h3>No run chosen</h3></div>;
  const facts = run.facts ?? {};
  return (
    <div class="facts">
      <About run={run} />
      <Course run={run} />
      <Section name="Configuration" value={configuration(facts)} />
      <Section name="Program" value={program(facts)} />
      <Section name="Machine" value={machine(facts)} />
      <Cost run={run} />
      <Processes run={run} />
      <Section name="Environment" value={branch(facts.environment)} />
    </div>
  );
}
