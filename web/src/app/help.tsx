// Help: the keys.
import { useLayoutEffect, useRef } from 'preact/hooks';
import { link } from '../state/link';
import { KEYS, MOUSE } from './keys';
import { helpOpen } from './open';

export function Help() {
  const box = useRef<HTMLDialogElement>(null), close = () => (helpOpen.value = false);
  useLayoutEffect(() => box.current?.showModal(), []);
  const table = (rows: [string, string][]) => <dl>{rows.map(([key, what]) => <div key={key}><dt>{key.split(' ').map(k => <kbd key={k} class="key">{k}</kbd>)}</dt><dd>{what}</dd></div>)}</dl>;
  return (
    <dialog class="help" ref={box} aria-label="keys" onClose={close} onClick={e => e.target === box.current && close()}>
      <h3>Keys</h3>
      {table(KEYS)}
      <h3>On a chart</h3>
      <dl>{MOUSE.map(([what, does]) => <div key={what}><dt>{what}</dt><dd>{does}</dd></div>)}</dl>
      <p class="faint">nnscope {link.hello.value?.version ?? ''}</p>
    </dialog>
  );
}
