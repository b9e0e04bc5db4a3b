// The evolution of one pinned sample: the probability of each class over the steps, from 0 to 1. The truth is green, what is
// predicted now bright, all others quiet.
import { useEffect, useRef, useState } from 'preact/hooks';
import { INK } from '../../look/palette';
import { mode } from '../../look/theme';
import { follow } from '../../state/feed';
import type { Points } from '../../state/points';
import type { Pin } from './pins';

const PAD = 2, DASH = 6;

export interface Course { word: string; points: Points }

export interface Now { step: number; values: Map<string, number>; points: number }

// The newest value of each class.
export function nowOf(courses: readonly Course[]): Now {
  const now: Now = { step: -1, values: new Map(), points: 0 };
  for (const { word, points } of courses) {
    if (!points.rows) continue;
    now.values.set(word, points.last[points.rows - 1]!);
    now.step = Math.max(now.step, points.stepLast[points.rows - 1]!);
    now.points = Math.max(now.points, points.after);
  }
  return now;
}

function line(context: CanvasRenderingContext2D, points: Points, x: (step: number) => number, y: (v: number) => number): void {
  context.beginPath();
  for (let i = 0; i < points.rows; i++) context[i ? 'lineTo' : 'moveTo'](x(points.step[i]!), y(points.mean[i]!));
  if (points.rows === 1) context.lineTo(x(points.step[0]!) + DASH, y(points.mean[0]!)); // one answer is seen too
  context.stroke();
}

function paint(canvas: HTMLCanvasElement, courses: readonly Course[], truth: string, first: string): void {
  const ratio = devicePixelRatio, width = Math.max(1, canvas.clientWidth), height = Math.max(1, canvas.clientHeight), ink = INK[mode.peek()];
  canvas.width = width * ratio, canvas.height = height * ratio;
  const context = canvas.getContext('2d');
  if (!context) return;
  context.scale(ratio, ratio);
  const from = Math.min(...courses.map(c => (c.points.rows ? c.points.step[0]! : Infinity))), to = Math.max(...courses.map(c => (c.points.rows ? c.points.stepLast[c.points.rows - 1]! : -Infinity)));
  const x = (step: number) => PAD + ((step - from) / Math.max(1, to - from)) * (width - 2 * PAD), y = (v: number) => height - PAD - v * (height - 2 * PAD);
  context.strokeStyle = ink.line;
  for (const v of [0, 0.5, 1]) context.strokeRect(0, y(v), width, 0);
  const rank = (word: string) => (word === truth ? 2 : word === first ? 1 : 0);
  for (const { word, points } of [...courses].sort((a, b) => rank(a.word) - rank(b.word))) {
    context.strokeStyle = word === truth ? ink.good : word === first ? ink.text : ink.lineStrong;
    context.lineWidth = rank(word) ? 1.75 : 1;
    line(context, points, x, y);
  }
}

// The newest values, and a canvas that follows them; drawn at most once a frame.
export function useCourses(run: string, pin: Pin): { courses: Course[]; now: Now } {
  const [courses, setCourses] = useState<Course[]>([]), [now, setNow] = useState<Now>({ step: -1, values: new Map(), points: 0 });
  const names = [...pin.series.values()].join('\n');
  useEffect(() => {
    let frame = 0;
    const made: Course[] = [], changed = () => {
      frame ||= requestAnimationFrame(() => ((frame = 0), setNow(nowOf(made))));
    };
    const stops = [...pin.series].map(([word, series]) => {
      const { points, stop } = follow(run, series, changed);
      made.push({ word, points });
      return stop;
    });
    setCourses(made);
    changed();
    return () => (cancelAnimationFrame(frame), stops.forEach(stop => stop()));
  }, [run, names]);
  return { courses, now };
}

export function PinCurves({ courses, now, truth, first }: { courses: readonly Course[]; now: Now; truth: string; first: string }) {
  const canvas = useRef<HTMLCanvasElement>(null), shown = mode.value;
  useEffect(() => {
    if (canvas.current && courses.length) paint(canvas.current, courses, truth, first);
  }, [courses, now, truth, first, shown]);
  return <canvas ref={canvas} class="pin-curves" role="img" aria-label={`probabilities of all classes up to step ${now.step}`} data-points={now.points} />;
}
