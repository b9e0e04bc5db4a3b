// A view whose code is fetched when it is first shown, so that the first paint stays small.
import type { ComponentType } from 'preact';
import { useEffect, useState } from 'preact/hooks';

export function lazy<P extends object>(load: () => Promise<ComponentType<P>>): ComponentType<P> {
  let View: ComponentType<P> | null = null;
  return props => {
    const [, drawn] = useState(View !== null), [failed, fail] = useState(false);
    useEffect(() => {
      let gone = false;
      if (!View) void load().then(loaded => ((View = loaded), gone || drawn(true)), () => gone || fail(true));
      return () => void (gone = true);
    }, []);
    if (failed) return <p class="empty" role="alert">This part of the page could not be loaded: load the page anew.</p>;
    return View ? <View {...props} /> : null;
  };
}
