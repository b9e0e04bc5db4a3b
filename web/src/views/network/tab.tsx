// The Network tab: picture, layer strip, time slider, inspector and legends. Looks at the network while it is in sight.
import { effect } from '@preact/signals';
import { useEffect, useMemo } from 'preact/hooks';
import { link } from '../../state/link';
import { useModel } from '../../state/model';
import { networkOf, type Network } from '../../state/network';
import { isOver, runs } from '../../state/runs';
import { view } from '../../state/view';
import { NoNetwork } from './empty';
import { Inspector } from './inspector';
import { listenNetworkKeys } from './keys';
import { Legend } from './legend';
import { Stage } from './stage';
import { Strip } from './strip';
import { Time } from './time';

export { Bar } from './bar';

// Looks while this page is in sight; the look follows what is selected and how it is shown.
function useLook(network: Network | null): void {
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
function useMoment(network: Network | null): void {
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
      if (run && isOver(run) && last) void network.rest(last.step);
    });
    return () => (stop(), unwatch());
  }, [network]);
}

export function Tab({ run }: { run: string }) {
  const model = useModel(run), some = model !== null && model.layers.length > 0;
  const network = useMemo(() => (some ? networkOf(run, model) : null), [run, model, some]);
  useLook(network);
  useMoment(network);
  useEffect(() => (network ? listenNetworkKeys(network) : undefined), [network]);
  if (!network) return model ? <NoNetwork /> : <div class="empty" aria-busy="true" />;
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
