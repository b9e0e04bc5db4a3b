// What stands in the way: the connection is lost (since when, when it is tried again), nobody is signed in, there are no runs yet.
import { computed } from '@preact/signals';
import { useEffect, useState } from 'preact/hooks';
import { clock, duration } from '../look/format';
import { link } from '../state/link';
import { listed, runs } from '../state/runs';

const GRACE_MS = 1200; // a short break is not worth a word

function useClock(running: boolean): number {
  const [now, setNow] = useState(Date.now());
  useEffect(() => {
    if (!running) return;
    const timer = setInterval(() => setNow(Date.now()), 500);
    return () => clearInterval(timer);
  }, [running]);
  return running ? Math.max(now, Date.now()) : 0;
}

export function Lost() {
  const state = link.state.value, now = useClock(!state.up), since = state.lostSince;
  if (state.up || !since || now - since < GRACE_MS) return null;
  if (state.signedOut) return <div class="lost" role="alert">This page is not signed in (any more). Open the address that the server printed: it holds the token.</div>;
  const wait = Math.max(0, state.nextTry - now);
  return (
    <div class="lost" role="alert">
      <span>The connection to the server is lost since {clock(since)} ({duration(now - since)}). Training goes on; what it records will be here again.</span>
      <button type="button" class="button small" onClick={() => link.hurry()}>{wait > 1000 ? `try now (in ${Math.ceil(wait / 1000)} s)` : 'trying\u2026'}</button>
    </div>
  );
}

// The server was replaced while this tab stayed open.
export function Outdated() {
  if (!link.outdated.value || !link.state.value.up) return null;
  return (
    <div class="lost outdated" role="status">
      <span>The server has a newer version of this page.</span>
      <button type="button" class="button small" onClick={() => location.reload()}>reload</button>
    </div>
  );
}

function Copy({ text }: { text: string }) {
  const [done, setDone] = useState('');
  const copy = () => navigator.clipboard?.writeText(text).then(() => setDone('copied'), () => setDone('select and copy by hand')) ?? setDone('select and copy by hand');
  return (
    <div class="copy">
      <pre>{text}</pre>
      <button type="button" class="button small" onClick={copy}>{done || 'copy'}</button>
    </div>
  );
}

const C = `#include <nnscope.h>
nns_run *run = nns_open(&(nns_options){.project = "mnist", .name = "mlp"});
nns_series loss = nns_series_open(run, "train/loss");
for (int64_t step = 0; nns_step(run, step); step++)
    nns_scalar(run, loss, train_batch());
nns_close(run, 0);`;
const BUILD = 'cc trainer.c $(pkg-config --cflags --libs nnscope)';
const HTTP = `ask() { curl -s -H "Authorization: Bearer $NNSCOPE_TOKEN" -d "$2" ADDRESS/api/v1/$1; }
RUN=$(ask runs '{"name": "by hand"}' | jq -r .id)
ask runs/$RUN/points '{"step": 1, "loss": 0.5}'`;

export const isEmpty = computed(() => listed.value && runs.value.size === 0);

export function Welcome() {
  const address = new URL('.', document.baseURI).href.replace(/\/$/, '');
  return (
    <div class="welcome">
      <h1>No runs yet</h1>
      <p class="muted">A run appears here the moment a program opens one. Nothing needs to be reloaded.</p>
      <h2>See it at once</h2>
      <Copy text="nnscope train" />
      <h2>In a C program</h2>
      <Copy text={C} />
      <Copy text={BUILD} />
      <h2>From anything that speaks HTTP</h2>
      <Copy text={HTTP.replace(/ADDRESS/g, address)} />
    </div>
  );
}
