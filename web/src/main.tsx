// The page begins here.
import { render } from 'preact';
import 'uplot/dist/uPlot.min.css';
import './look/theme.css';
import './app/frame.css';
import { App } from './app/app';
import { openLink } from './state/link';

openLink();
render(<App />, document.getElementById('app')!);
