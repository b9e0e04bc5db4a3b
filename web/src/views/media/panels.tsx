// A panel's inside for each kind of media: images, histograms, text, samples. The grid gives the frame (MediaPanel) or the items
// too, ascending by step.
import { useEffect, useMemo, useRef, useState } from 'preact/hooks';
import type { ComponentType } from 'preact';
import { number, percent, whole } from '../../look/format';
import { linearTicks, tickText } from '../../charts/ticks';
import { heat } from '../../look/ramps';
import { mode } from '../../look/theme';
import { heatOf, paintHeat, type Heat } from './heat';
import { useMedia, type MediaDef } from './load';
import { ConfusionPanel } from './confusion';
import { bestOf, byStep, histogramOf, imageOf, sampleOf, wordsOf, type Image, type MediaJson, type Sample } from './item';
import { PixelCanvas, type Pixels } from './pixels';
import { StepSlider, useStep } from './step-slider';
import './media.css';

export interface MediaPanelProps { series: string; items: readonly MediaJson[] }

// --- images ------------------------------------------------------------------------------------------

function RawImage({ image }: { image: Image }) {
  const [pixels, setPixels] = useState<Pixels | null>(null);
  useEffect(() => {
    let gone = false;
    fetch(image.url).then(answer => (answer.ok ? answer.arrayBuffer() : Promise.reject(answer.status))).then(
      buffer => gone || setPixels({ width: image.width, height: image.height, channels: image.raw || 1, bytes: new Uint8Array(buffer) }),
      () => gone || setPixels(null));
    return () => { gone = true; };
  }, [image.url]);
  return pixels ? <PixelCanvas pixels={pixels} title={image.caption} /> : null;
}

function OneImage({ image, series }: { image: Image; series: string }) {
  const name = image.caption || `${series} at step ${whole(image.step)}`;
  return (
    <figure class="media-image">
      {image.raw ? <div role="img" aria-label={name}><RawImage image={image} /></div> : <img src={image.url} alt={name} title={image.caption} loading="lazy" />}
      {image.caption && <figcaption class="muted clip" title={image.caption}>{image.caption}</figcaption>}
    </figure>
  );
}

export function ImagePanel({ series, items }: MediaPanelProps) {
  const sheets = useMemo(() => byStep(items.map(imageOf)), [items]);
  const [at, set] = useStep(sheets.length);
  return (
    <div class="media">
      <div class="media-sheet" data-count={sheets[at]?.length ?? 0}>
        {(sheets[at] ?? []).map((image, i) => <OneImage key={i} image={image} series={series} />)}
      </div>
      <StepSlider name={series} steps={sheets.map(sheet => sheet[0]!.step)} at={at} set={set} />
    </div>
  );
}

// --- histograms --------------------------------------------------------------------------------------

function drawHeat(canvas: HTMLCanvasElement, made: Heat): void {
  const picture = paintHeat(made, heat(mode.value));
  const cells = new OffscreenCanvas(made.columns, made.rows);
  cells.getContext('2d')?.putImageData(picture, 0, 0);
  canvas.width = Math.max(1, Math.round(canvas.clientWidth * devicePixelRatio));
  canvas.height = Math.max(1, Math.round(canvas.clientHeight * devicePixelRatio));
  const context = canvas.getContext('2d');
  if (!context) return;
  context.imageSmoothingEnabled = false;
  context.drawImage(cells, 0, 0, canvas.width, canvas.height);
}

function under(event: PointerEvent, made: Heat): string {
  const box = (event.currentTarget as HTMLElement).getBoundingClientRect();
  const column = Math.min(made.columns - 1, Math.max(0, Math.floor(((event.clientX - box.left) / box.width) * made.columns)));
  const row = Math.min(made.rows - 1, Math.max(0, Math.floor((1 - (event.clientY - box.top) / box.height) * made.rows)));
  const width = (made.high - made.low) / made.rows, low = made.low + row * width;
  return `step ${whole(made.steps[column]!)} \u00b7 ${number(low, 3)} \u2026 ${number(low + width, 3)} \u00b7 ${percent(made.share[column * made.rows + row]!)}`;
}

export function HistogramPanel({ series, items }: MediaPanelProps) {
  const canvas = useRef<HTMLCanvasElement>(null), [said, say] = useState('');
  const made = useMemo(() => heatOf(items.map(histogramOf), 400), [items]);
  const shown = mode.value;
  useEffect(() => {
    const target = canvas.current;
    if (!target || !made) return;
    const watcher = new ResizeObserver(() => drawHeat(target, made));
    watcher.observe(target);
    return () => watcher.disconnect();
  }, [made, shown]);
  if (!made) return <p class="media faint">no counts yet</p>;
  return (
    <div class="media heat">
      <div class="heat-scale number" aria-hidden="true">{linearTicks(made.low, made.high, 5).map(v => (
        <span key={v} style={{ top: `${(100 * (made.high - v)) / (made.high - made.low)}%` }}>{tickText(v)}<i /></span>
      ))}</div>
      <canvas ref={canvas} role="img" aria-label={`${series}: distribution from step ${whole(made.from)} to ${whole(made.to)}`}
        onPointerMove={event => say(under(event, made))} onPointerLeave={() => say('')} />
      <div class="heat-steps number" aria-hidden="true"><span>{whole(made.from)}</span><span class="muted">{said}</span><span>{whole(made.to)}</span></div>
    </div>
  );
}

// --- text --------------------------------------------------------------------------------------------

export function TextPanel({ series, items }: MediaPanelProps) {
  const texts = useMemo(() => items.map(wordsOf).sort((a, b) => a.step - b.step), [items]);
  const [at, set] = useStep(texts.length);
  return (
    <div class="media">
      <pre class="media-text" tabIndex={0} aria-label={series}>{texts[at]?.text ?? ''}</pre>
      <StepSlider name={series} steps={texts.map(t => t.step)} at={at} set={set} />
    </div>
  );
}

// --- samples -----------------------------------------------------------------------------------------

function Bars({ sample, best }: { sample: Sample; best: number }) {
  return (
    <svg class="bars" viewBox={`0 0 ${sample.probabilities.length} 1`} preserveAspectRatio="none" aria-hidden="true">
      {sample.probabilities.map((p, i) => (
        <rect key={i} x={i + 0.12} width={0.76} y={1 - Math.max(0.02, p)} height={Math.max(0.02, p)}
          class={i === sample.truth ? 'truth' : i === best ? 'wrong' : ''} />
      ))}
    </svg>
  );
}

function Card({ sample }: { sample: Sample }) {
  const best = bestOf(sample.probabilities), right = sample.truth < 0 || best === sample.truth;
  const sure = percent(sample.probabilities[best] ?? 0);
  const said = `predicted ${best} with ${sure}${sample.truth < 0 ? '' : `, truth ${sample.truth}`}`;
  return (
    <figure class="sample" role="img" aria-label={said} title={said} data-right={right}>
      <PixelCanvas pixels={{ width: sample.width, height: sample.height, channels: 1, bytes: sample.pixels }} />
      <Bars sample={sample} best={best} />
      <figcaption class="number">
        <b>{best}</b> <span>{sure}</span>
        {!right && <span class="bad">not {sample.truth}</span>}
      </figcaption>
    </figure>
  );
}

export function SamplePanel({ series, items }: MediaPanelProps) {
  const sheets = useMemo(() => byStep(items.map(sampleOf)), [items]);
  const [at, set] = useStep(sheets.length);
  const sheet = sheets[at] ?? [];
  const right = sheet.filter(s => bestOf(s.probabilities) === s.truth).length, known = sheet.filter(s => s.truth >= 0).length;
  return (
    <div class="media">
      <div class="samples">{sheet.map((sample, i) => <Card key={i} sample={sample} />)}</div>
      <div class="sample-foot">
        {known > 0 && <span class="faint number">{right} of {known} right</span>}
        <StepSlider name={series} steps={sheets.map(s => s[0]!.step)} at={at} set={set} />
      </div>
    </div>
  );
}

// The panel for a kind of series, as the table of kinds names them.
export const mediaPanels: Record<string, ComponentType<MediaPanelProps>> = {
  image: ImagePanel, histogram: HistogramPanel, text: TextPanel, sample: SamplePanel, confusion: ConfusionPanel,
};

// The inside of one panel, with its items.
export function MediaPanel({ run, def }: { run: string; def: MediaDef }) {
  const items = useMedia(run, def.series), Panel = mediaPanels[def.kind]!;
  return <Panel series={def.title} items={items} />;
}
