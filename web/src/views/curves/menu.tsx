// The menu of a panel: scale, range, outliers, pin, hide, full screen, picture, data.
import { useLayoutEffect, useRef, useState } from 'preact/hooks';
import { saveData, savePicture } from '../../charts/export';
import type { PanelModel } from '../../charts/model';
import { RestError } from '../../link/rest';
import type { PanelDef } from '../../state/panels';
import { runs } from '../../state/runs';
import { setPanel, setView, view, type PanelView } from '../../state/view';
import { isLog } from './specs';

function Check(props: { word: string; on: boolean; set: (on: boolean) => void }) {
  return <button type="button" role="menuitemcheckbox" aria-checked={props.on} class="menu-item" onClick={() => props.set(!props.on)}>{props.word}</button>;
}

function RangeFields({ panel, own }: { panel: PanelDef; own: PanelView }) {
  const read = (text: string) => (text.trim() !== '' && Number.isFinite(Number(text)) ? Number(text) : undefined);
  const field = (word: string, key: 'low' | 'high') => (
    <label class="menu-field">{word}
      <input class="field" inputMode="decimal" placeholder="auto" value={own[key] ?? ''} onChange={e => setPanel(panel.id, { [key]: read(e.currentTarget.value) })} />
    </label>
  );
  return <div class="menu-range">{field('from', 'low')}{field('to', 'high')}</div>;
}

export function PanelMenu({ panel, model }: { panel: PanelDef; model: PanelModel }) {
  const [open, setOpen] = useState(false), [problem, setProblem] = useState(''), box = useRef<HTMLDivElement>(null);
  const own = view.value.panels[panel.id] ?? {}, full = view.value.full === panel.id;
  useLayoutEffect(() => {
    if (!open) return;
    const outside = (e: Event) => box.current?.contains(e.target as Node) || setOpen(false);
    const key = (e: KeyboardEvent) => {
      if (e.key !== 'Escape') return;
      e.stopPropagation();
      setOpen(false);
      box.current?.querySelector('button')?.focus();
    };
    addEventListener('pointerdown', outside);
    addEventListener('keydown', key, true);
    box.current?.querySelector<HTMLElement>('[role^=menuitem]')?.focus();
    return () => (removeEventListener('pointerdown', outside), removeEventListener('keydown', key, true));
  }, [open]);
  const act = (what: () => void) => () => (setOpen(false), what());
  const data = () => model.plot && saveData(model.plot, panel.title, id => runs.peek().get(id)?.name ?? id)
    .catch((e: RestError) => (setProblem(e.message), setOpen(true)));
  return (
    <div class="panel-menu" ref={box}>
      {own.pinned && <button type="button" class="icon-button" aria-label={`unpin ${panel.title}`} title="pinned" onClick={() => setPanel(panel.id, { pinned: false })}>◆</button>}
      <button type="button" class="icon-button" aria-label={`${full ? 'leave' : 'fill'} the page: ${panel.title}`} title={full ? 'back' : 'full screen'}
        onClick={() => setView({ full: full ? '' : panel.id })}>{full ? '×' : '⤢'}</button>
      <button type="button" class="icon-button" aria-label={`settings of ${panel.title}`} aria-haspopup="menu" aria-expanded={open} onClick={() => setOpen(!open)}>⋯</button>
      {open && (
        <div class="menu" role="menu">
          {problem && <p class="notice bad">{problem}</p>}
          <Check word="logarithmic" on={isLog(panel)} set={log => setPanel(panel.id, { log })} />
          <Check word="leave outliers out" on={own.outliers ?? false} set={outliers => setPanel(panel.id, { outliers })} />
          <RangeFields panel={panel} own={own} />
          <hr />
          <Check word="pinned" on={own.pinned ?? false} set={pinned => setPanel(panel.id, { pinned })} />
          {panel.added
            ? <button type="button" role="menuitem" class="menu-item" onClick={act(() => setView({ added: view.peek().added.filter(a => '+' + a !== panel.id) }))}>remove this panel</button>
            : <button type="button" role="menuitem" class="menu-item" onClick={act(() => setPanel(panel.id, { hidden: true }))}>hide</button>}
          <hr />
          <button type="button" role="menuitem" class="menu-item" onClick={act(() => model.plot && savePicture(model.plot, panel.title))}>picture (PNG)</button>
          <button type="button" role="menuitem" class="menu-item" onClick={act(() => void data())}>data (CSV)</button>
        </div>
      )}
    </div>
  );
}
