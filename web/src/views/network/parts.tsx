// Small parts of the inspector: rows of numbers, bars over classes, lists of links, pictures of samples, a course over time.
import { useRef } from 'preact/hooks';
import type { ComponentChildren } from 'preact';
import { whole } from '../../look/format';
import type { Course } from '../../state/unit-history';
import { PixelCanvas } from '../media/pixels';
import type { Samples } from '../../state/unit-detail';
import { preferredOf } from './sparsity-data';
import { figure } from './words';

export function Section({ title, note, children }: { title: string; note?: string; children: ComponentChildren }) {
  return (
    <section class="inspect-section">
      <h3>{title}{note && <span class="faint"> {note}</span>}</h3>
      {children}
    </section>
  );
}

// `name` is what tests and assistive tools find it by; `value` the exact number.
export function Fact({ name, value, text, title }: { name: string; value: number | undefined; text?: string; title?: string }) {
  const shown = text ?? figure(value);
  return (
    <div class="fact" title={title ?? (value !== undefined && Number.isFinite(value) ? String(value) : undefined)}>
      <dt class="muted">{name}</dt>
      <dd class="number" data-fact={name} data-value={value}>{shown}</dd>
    </div>
  );
}

// Bars of |mean|, those below zero in the colour of negative links.
export function ClassBars({ means, words }: { means: ArrayLike<number>; words: readonly string[] }) {
  const { preferred, most } = preferredOf(means.length, k => means[k]!);
  return (
    <ol class="class-bars" aria-label="mean activation per class">
      {Array.from(means, (mean, k) => (
        <li key={k} class={`${k === preferred ? 'best' : ''}${mean < 0 ? ' negative' : ''}`} title={`${words[k] ?? k}: ${Number.isNaN(mean) ? 'no sample seen' : figure(mean)}`} data-value={mean}>
          <i style={{ height: `${(100 * Math.abs(mean)) / most || 0}%` }} /><span class="number clip">{words[k] ?? k}</span>
        </li>
      ))}
    </ol>
  );
}

export interface LinkRow { key: string; word: string; value: number; go: () => void }

export function LinkRows({ rows, most }: { rows: LinkRow[]; most: number }) {
  return (
    <ol class="link-rows">
      {rows.map(r => (
        <li key={r.key}>
          <button type="button" onClick={r.go}>
            <span class="clip">{r.word}</span>
            <i class={r.value < 0 ? 'link-bar negative' : 'link-bar'}><b style={{ width: `${most ? (100 * Math.abs(r.value)) / most : 0}%` }} /></i>
            <span class="number">{figure(r.value)}</span>
          </button>
        </li>
      ))}
    </ol>
  );
}

export function SampleRow({ samples, classes }: { samples: Samples; classes: readonly string[] | undefined }) {
  const { shape, side, pixels } = samples, flat = shape.length === 3 && shape[0] === 1 ? shape.slice(1) : shape;
  const image = flat.length === 2 ? flat : flat.length === 1 && Number.isInteger(Math.sqrt(flat[0]!)) ? [Math.sqrt(flat[0]!), Math.sqrt(flat[0]!)] : null;
  const count = side ? Math.min(8, Math.floor(pixels.length / side)) : 0;
  if (!image || !count) return null;
  return (
    <ol class="strongest">
      {Array.from({ length: count }, (_, i) => {
        const label = samples.label[i] ?? -1, word = label >= 0 ? classes?.[label] ?? String(label) : '';
        return (
          <li key={i} title={`${word && `class ${word}, `}activation ${figure(samples.value[i])}`}>
            <PixelCanvas pixels={{ width: image[1]!, height: image[0]!, channels: 1, bytes: pixels.subarray(i * side, (i + 1) * side) }} />
            <span class="number">{figure(samples.value[i])}</span>
          </li>
        );
      })}
    </ol>
  );
}

const WIDE = 256, HIGH = 56;

function coursePath(step: ArrayLike<number>, value: ArrayLike<number>, from: number, to: number, least = 0): string {
  let low = Infinity, high = -Infinity, path = '', pen = 'M';
  for (let i = 0; i < value.length; i++) if (Number.isFinite(value[i]!)) (low = Math.min(low, value[i]!)), (high = Math.max(high, value[i]!));
  const span = Math.max(high - low, least) || Math.abs(high) || 1, base = (low + high - span) / 2;
  for (let i = 0; i < value.length; i++) {
    if (!Number.isFinite(value[i]!)) { pen = 'M'; continue; }
    const x = (WIDE * (step[i]! - from)) / Math.max(1, to - from), y = 3 + (1 - (value[i]! - base) / span) * (HIGH - 6);
    path += `${pen}${x.toFixed(1)} ${y.toFixed(1)}`;
    pen = 'L';
  }
  return path;
}

// least: the span that its height shows at least (rounding is no course).
export interface Line { name: string; tone: string; least?: number; course: { step: ArrayLike<number>; value: ArrayLike<number> } }

// Several lines over the same steps, each on its own scale; the legend names them with their last values.
export function CoursePlot({ lines, at }: { lines: Line[]; at: number | null }) {
  const seen = lines.filter(l => l.course.step.length > 1), box = useRef<SVGSVGElement>(null);
  if (!seen.length) return <p class="faint">recorded while one looks: it begins now</p>;
  const from = Math.min(...seen.map(l => l.course.step[0]!)), to = Math.max(...seen.map(l => l.course.step[l.course.step.length - 1]!));
  return (
    <div class="course">
      <svg ref={box} viewBox={`0 0 ${WIDE} ${HIGH}`} preserveAspectRatio="none" role="img" aria-label={`${lines.map(l => l.name).join(' and ')} from step ${whole(from)} to ${whole(to)}`}>
        {seen.map(l => <path key={l.name} class={`course-line ${l.tone}`} d={coursePath(l.course.step, l.course.value, from, to, l.least)} />)}
        {at !== null && at >= from && at <= to && <line class="spark-now" x1={(WIDE * (at - from)) / Math.max(1, to - from)} x2={(WIDE * (at - from)) / Math.max(1, to - from)} y1="0" y2={HIGH} />}
      </svg>
      <p class="course-ends faint number"><span>{whole(from)}</span>{seen.map(l => <span key={l.name} class={`course-word ${l.tone}`}>{l.name}</span>)}<span>{whole(to)}</span></p>
    </div>
  );
}

export const joined = (parts: { step: number; value: number }[]): { step: Float64Array; value: Float64Array } => {
  const sorted = parts.filter(p => Number.isFinite(p.value)).sort((a, b) => a.step - b.step);
  return { step: Float64Array.from(sorted, p => p.step), value: Float64Array.from(sorted, p => p.value) };
};
export const pointsOf = (course: Course, of: 'activation' | 'gradient') => Array.from({ length: course.rows }, (_, i) => ({ step: course.step[i]!, value: course[of][i]! }));
