// The slider under a media panel: which step is shown. It follows the newest until a person moves it, and again when they
// go back to the end.
import { useState } from 'preact/hooks';
import { whole } from '../../look/format';

export function useStep(count: number): [number, (at: number) => void] {
  const [held, hold] = useState(-1); // -1: follow the newest
  const at = held < 0 || held >= count ? count - 1 : held;
  return [at, next => hold(next >= count - 1 ? -1 : next)];
}

export function StepSlider(props: { name: string; steps: readonly number[]; at: number; set: (at: number) => void }) {
  const { steps, at } = props;
  if (steps.length < 2) return <p class="media-step faint number">step {whole(steps[at] ?? 0)}</p>;
  const fill = (100 * at) / (steps.length - 1);
  return (
    <div class="media-step">
      <input class="slider" type="range" min={0} max={steps.length - 1} step={1} value={at} style={{ '--fill': `${fill}%` }}
        aria-label={`${props.name}: step`} aria-valuetext={`step ${whole(steps[at]!)}`}
        onInput={event => props.set(Number(event.currentTarget.value))} />
      <span class="number muted">step {whole(steps[at]!)}</span>
    </div>
  );
}
