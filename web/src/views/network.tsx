// The Network tab: picture, layer strip, time slider, inspector and legends. Looks at the network while it is in sight.
import { effect } from '@preact/signals';
import { useEffect, useMemo } from 'preact/hooks';
import { link } from '../state/link';
import { useModel } from '../state/model';
import { networkOf, type Network as Seen } from '../state/network';
import { isOver, runs } from '../state/runs';
import { view } from '../state/view';
import { lazy } from '../app/lazy';
import { NoNetwork } from './network/empty';
import { Inspector } from './network/inspector';
import { listenNetworkKeys } from './network/keys';
import { Legend } from './network/legend';
import { Stage } from './network/stage';
import { Strip } from './network/strip';
import { Time } from './network/time';

const Sparsity = lazy(() => import('./network/sparsity').then(m => m.Sparsity));

export { Bar as NetworkBar } from './network/bar';

// Looks while this page is in sight; the look follows what is selected and how it is shown.
function useLook(network: Seen | null): void {
  useEffect(() => {
    if (!network) return;
    const look = () => (document.hidden ? network.unlook() : network.look());
    const stop = effect(() => {
      view.value.network;
      network.hovered.value;
      link.state.value.up;
      look();
    });
    document.addEventListener('visibilitychange', look);
    return () => {
      stop();
      document.removeEventListener('visibilitychange', look);
      network.unlook();
    };
  }, [network]);
}

// The snapshots' list while the run goes on, and the moment that the view names.
function useMoment(network: Seen | null): void {
  useEffect(() => {
    if (!network) return;
    const over = () => {
      const run = runs.peek().get(network.run);
      return !run || isOver(run);
    };
    const unwatch = network.snapshots.watch(() => !over());
    const stop = effect(() => {
      const list = network.snapshots.list.value, { moment } = view.value.network, run = runs.value.get(network.run);
      const last = list.snapshots.at(-1);
      void network.seek(moment);
      if (run && last && !network.live.peek()) void network.rest(last.step);
    });
    return () => (stop(), unwatch());
  }, [network]);
}

export function Network({ run }: { run: string }) {
  const model = useModel(run), some = model !== null && model.layers.length > 0;
  const network = useMemo(() => (some ? networkOf(run, model) : null), [run, model, some]);
  const sparsity = view.value.network.part === 'sparsity';
  useLook(sparsity ? null : network);
  useMoment(network);
  useEffect(() => (network ? listenNetworkKeys(network) : undefined), [network]);
  if (!network) return model ? <NoNetwork /> : <div class="empty" aria-busy="true" />;
  if (sparsity) return <Sparsity run={run} />;
  return (
    <div class="network">
      <Stage network={network} />
      <Strip network={network} />
      <Time network={network} />
      <aside class="network-side">
        <Inspector network={network} />
        <Legend network={network} />
      </aside>
    </div>
  );
}
