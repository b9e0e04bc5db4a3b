// The legend of a panel: its curves in columns, so that nothing moves while values do. Two rows, three where that is enough; the rest
// is behind a word.
import { useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks';
import type { Curve } from '../../charts/curve';
import type { PanelModel } from '../../charts/model';

const ROWS = 2, MOST = 24;

function LegendItem({ curve, model }: { curve: Curve; model: PanelModel }) {
  const value = useRef<HTMLElement>(null);
  useEffect(() => {
    const legend = model.plot?.legend;
    if (value.current) legend?.set(curve, value.current);
    model.changed();
    return () => void legend?.delete(curve);
  }, [curve, model.plot]);
  const [hidden, setHidden] = useState(curve.hidden);
  const toggle = () => {
    curve.hidden = !curve.hidden;
    setHidden(curve.hidden);
    model.redraw();
  };
  const swatch = (e: HTMLElement | null) => {
    if (!e) return;
    e.style.setProperty('--colour', `var(--run-${curve.stroke.slot})`); // follows dark and light by itself
    e.classList.toggle('dashed', curve.stroke.dash.length > 0);
  };
  return (
    <button type="button" class="legend-item" aria-pressed={!hidden} title={`${curve.label}: ${hidden ? 'show' : 'hide'}`} onClick={toggle}>
      <i class="swatch" ref={swatch} />
      <span class="legend-label clip">{curve.short !== curve.label && <span class="hidden-name">{curve.label.slice(0, -curve.short.length)}</span>}{curve.short}</span>
      <b class="legend-value number" ref={value} data-series={curve.series} data-run={curve.run} />
    </button>
  );
}

// How many curves a closed legend of so many columns leaves out, its word taking the last place.
export const leftOut = (curves: number, columns: number): number => (curves <= (ROWS + 1) * columns ? 0 : curves - ROWS * columns + 1);

export function Legend({ curves, model }: { curves: Curve[]; model: PanelModel }) {
  const box = useRef<HTMLDivElement>(null), [open, setOpen] = useState(false), [columns, setColumns] = useState(1);
  const rest = leftOut(curves.length, columns), longest = Math.max(0, ...curves.map(c => c.short.length));
  useLayoutEffect(() => {
    box.current!.style.setProperty('--label', String(longest));
    const count = () => setColumns(getComputedStyle(box.current!).gridTemplateColumns.split(' ').length);
    const sizes = new ResizeObserver(count);
    sizes.observe(box.current!);
    count();
    return () => sizes.disconnect();
  }, [longest]);
  return (
    <div class={open && rest ? 'legend open' : 'legend'} data-rows={rest ? ROWS : undefined} role="group" aria-label="legend" ref={box}>
      {curves.slice(0, MOST).map(c => <LegendItem key={c.run + '\n' + c.series} curve={c} model={model} />)}
      {open && curves.length > MOST && <span class="faint">and {curves.length - MOST} more</span>}
      {rest > 0 && <button type="button" class="legend-more" aria-expanded={open} onClick={() => setOpen(!open)}>{open ? 'less' : `${rest} more`}</button>}
    </div>
  );
}
