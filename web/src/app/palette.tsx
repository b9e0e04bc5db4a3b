// The command palette (Ctrl K): everything that can be done, found by typing a part of its words.
import { useLayoutEffect, useRef, useState } from 'preact/hooks';
import { toggleTheme } from '../look/theme';
import { groups } from '../views/curves/specs';
import { choose, current, currentRun, ordered, toggle } from '../state/runs';
import { hindrance, steer, understands } from '../state/transport';
import { setView, view } from '../state/view';
import { helpOpen, paletteOpen } from './open';
import { tabsOf } from './tabs';

interface Entry { words: string; hint: string; act: () => void }
const SHOWN = 12;

function entries(): Entry[] {
  const run = currentRun.value, list: Entry[] = [];
  if (run && !hindrance(run) && understands(run, 'pause')) {
    const paused = run.state === 'paused';
    list.push({ words: paused ? 'resume' : 'pause', hint: 'space', act: () => void steer(run.id, paused ? 'resume' : 'pause') });
    for (const n of [1, 10, 100]) list.push({ words: `step ${n}`, hint: n === 1 ? '.' : '', act: () => void steer(run.id, 'step', n) });
    list.push({ words: 'stop the program', hint: '', act: () => void steer(run.id, 'stop') });
  }
  for (const t of tabsOf(current.peek())) list.push({ words: t.word, hint: `g ${t.key}`, act: () => setView({ tab: t.id }) });
  list.push({ words: 'dark or light', hint: 'd', act: toggleTheme }, { words: 'keys', hint: '?', act: () => (helpOpen.value = true) });
  if (view.value.zoom) list.push({ words: 'reset zoom', hint: 'Esc', act: () => setView({ zoom: null }) });
  for (const r of ordered.value.slice(0, 500)) {
    if (r.id !== current.value) list.push({ words: `open ${r.name}`, hint: r.project, act: () => choose(r.id) }, { words: `beside: ${r.name}`, hint: r.project, act: () => toggle(r.id) });
  }
  for (const g of groups.value) for (const p of g.panels.slice(0, 500)) list.push({ words: `panel ${p.title}`, hint: 'full screen', act: () => setView({ tab: 'curves', full: p.id }) });
  return list;
}

export function Palette() {
  const box = useRef<HTMLDialogElement>(null), [text, setText] = useState(''), [at, setAt] = useState(0);
  useLayoutEffect(() => box.current?.showModal(), []);
  const words = text.toLowerCase().split(/\s+/), found = entries().filter(e => words.every(w => e.words.toLowerCase().includes(w))).slice(0, SHOWN);
  const close = () => (paletteOpen.value = false);
  const act = (entry: Entry | undefined) => {
    close();
    entry?.act();
  };
  const key = (e: KeyboardEvent) => {
    if (e.key === 'ArrowDown') setAt(Math.min(at + 1, found.length - 1));
    else if (e.key === 'ArrowUp') setAt(Math.max(at - 1, 0));
    else if (e.key === 'Enter') act(found[at]);
    else return;
    e.preventDefault();
  };
  return (
    <dialog class="palette" ref={box} aria-label="commands" onClose={close} onClick={e => e.target === box.current && close()}>
      <input class="field" type="text" role="combobox" aria-expanded="true" aria-controls="palette-list" aria-activedescendant={`palette-${at}`} aria-label="command"
        placeholder="Type a command, a run, a panel" value={text} onInput={e => (setText(e.currentTarget.value), setAt(0))} onKeyDown={key} />
      <ul id="palette-list" role="listbox" aria-label="found">
        {found.map((e, i) => (
          <li key={e.words + e.hint} id={`palette-${i}`} role="option" aria-selected={i === at} onPointerMove={() => setAt(i)} onClick={() => act(e)}>
            <span class="clip">{e.words}</span><span class="faint">{e.hint}</span>
          </li>
        ))}
        {!found.length && <li class="faint">Nothing is called so.</li>}
      </ul>
    </dialog>
  );
}
