// The tabs, one line each. What is not built is not here. `Aside` stands at the right of the tabs (settings of the view); a tab
// with `when` is there for runs of which that is true.
import type { ComponentType } from 'preact';
import { Curves, CurvesBar } from '../views/curves';
import { Facts } from '../views/facts';
import { Log } from '../views/log';
import { Steer } from '../views/steer';
import { modelOf } from '../state/model';
import { lazy } from './lazy';
import '../views/network/network.css';
import '../views/network/sparsity.css';
import '../views/try/try.css'; // a chunk's styles are not fetched with it

export interface Tab { id: string; word: string; key: string; View: ComponentType<{ run: string }>; Aside?: ComponentType; when?: (run: string) => boolean }

export const tabs: Tab[] = [
  { id: 'curves', word: 'Curves', key: 'c', View: Curves, Aside: CurvesBar },
  { id: 'network', word: 'Network', key: 'n', View: lazy(() => import('../views/network').then(m => m.Network)), Aside: lazy(() => import('../views/network').then(m => m.NetworkBar)) },
  { id: 'steer', word: 'Steer', key: 's', View: Steer },
  { id: 'try', word: 'Try', key: 't', View: lazy(() => import('../views/try').then(m => m.Try)), when: run => !!modelOf(run).value?.push },
  { id: 'log', word: 'Log', key: 'l', View: Log },
  { id: 'facts', word: 'Facts', key: 'f', View: Facts },
];

export const tabsOf = (run: string): Tab[] => tabs.filter(t => !t.when || t.when(run));
