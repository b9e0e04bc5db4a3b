// The tabs, one line each. What is not built is not here. `Aside` stands at the right of the tabs (settings of the view).
import type { ComponentType } from 'preact';
import { Curves, CurvesBar } from '../views/curves';
import { Facts } from '../views/facts';
import { Log } from '../views/log';
import { Steer } from '../views/steer';

export interface Tab { id: string; word: string; key: string; View: ComponentType<{ run: string }>; Aside?: ComponentType }

export const tabs: Tab[] = [
  { id: 'curves', word: 'Curves', key: 'c', View: Curves, Aside: CurvesBar },
  { id: 'steer', word: 'Steer', key: 's', View: Steer },
  { id: 'log', word: 'Log', key: 'l', View: Log },
  { id: 'facts', word: 'Facts', key: 'f', View: Facts },
];
