// The answer: one bar a class, in the order of the classes, so that nothing jumps; of many classes the most probable.
import { number, percent, whole } from '../../look/format';
import type { Answer } from '../../state/pusher';

const SHOWN = 24, BEST = 10;

export const best = (output: ArrayLike<number>): number => Array.from(output).reduce((at, p, i, all) => (p > all[at]! ? i : at), 0);

// Which classes have a bar.
export function barsOf(output: ArrayLike<number>): number[] {
  const all = Array.from(output, (_, i) => i);
  return all.length <= SHOWN ? all : all.sort((a, b) => output[b]! - output[a]!).slice(0, BEST);
}

export function Bars({ answer, words, classes }: { answer: Answer | null; words: readonly string[]; classes: number }) {
  const output = answer?.output ?? new Float32Array(classes), shares = output.every(p => p >= 0 && p <= 1.0001), most = shares ? 1 : Math.max(...output.map(Math.abs));
  const first = answer ? best(output) : -1;
  return (
    <ul class="try-bars" aria-label="answer" data-step={answer?.step} data-serial={answer?.serial}>
      {barsOf(output).map(k => {
        const value = output[k]!, name = words[k] ?? String(k), said = answer ? (shares ? percent(value) : number(value, 3)) : '';
        return (
          <li key={k} class={`try-bar${k === first ? ' first' : ''}${k === answer?.truth ? ' truth' : ''}`} data-class={name} data-value={answer ? value : undefined}>
            <b class="clip" title={name}>{name}</b>
            <span class="try-track" role="meter" aria-label={name} aria-valuemin={0} aria-valuemax={1} aria-valuenow={answer ? value : 0} aria-valuetext={said}>
              <i style={{ width: `${Math.max(0, Math.min(1, value / most)) * 100}%` }} />
            </span>
            <span class="number">{said}</span>
          </li>
        );
      })}
      {output.length > SHOWN && <li class="faint">the {BEST} most probable of {whole(output.length)} classes</li>}
    </ul>
  );
}

// The answer in one line.
export function Verdict({ answer, words, over }: { answer: Answer | null; words: readonly string[]; over: boolean }) {
  if (!answer) return <p class="try-verdict faint"><span>{over ? 'nothing answers any more' : 'no answer yet'}</span></p>;
  const k = best(answer.output), truth = answer.truth, right = truth === k;
  return (
    <p class="try-verdict" data-predicted={words[k] ?? k} data-truth={truth >= 0 ? words[truth] ?? truth : undefined}>
      <strong>{words[k] ?? k}</strong>
      {truth >= 0 && <span class={right ? 'good' : 'bad'}>{right ? 'right' : `truth ${words[truth] ?? truth}`}</span>}
      <span class="muted number">step {whole(answer.step)}</span>
      <span class="faint number" title="from the push to its answer">{whole(Math.round(answer.milliseconds))} ms</span>
    </p>
  );
}
