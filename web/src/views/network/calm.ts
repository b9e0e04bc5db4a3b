// Numbers that a person can read: what changes ten times a second is shown four times a second; what a person does at once.
import { effect } from '@preact/signals';
import { useEffect, useRef, useState } from 'preact/hooks';
import { sameList } from '../../network/same';

const CALM_MS = 250;

// The value of `read` (of signals), at most four times a second; again at once when one of `keys` changes.
export function useCalm<T>(read: () => T, keys: unknown[]): T {
  const [value, setValue] = useState(read), last = useRef<{ keys: unknown[]; at: number }>({ keys, at: 0 });
  useEffect(() => {
    let timer = 0;
    const show = () => {
      timer = 0;
      last.current.at = performance.now();
      setValue(() => read());
    };
    const stop = effect(() => {
      read();
      if (timer) return;
      const wait = CALM_MS - (performance.now() - last.current.at);
      if (wait <= 0) show();
      else timer = window.setTimeout(show, wait);
    });
    last.current.at = 0;
    return () => (stop(), clearTimeout(timer));
  }, keys);
  const same = sameList(keys, last.current.keys);
  last.current.keys = keys;
  return same ? value : read();
}
