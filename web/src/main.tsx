// The page begins here.
import { render } from 'preact';
import 'uplot/dist/uPlot.min.css';
import './look/theme.css';
import './app/frame.css';
import { App } from './app/app';
import { listenKeys } from './app/keys';
import { openLink } from './state/link';

openLink();
listenKeys();
render(<App />, document.getElementById('app')!);
