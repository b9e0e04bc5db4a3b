// Two pushes in flight, the newest wins, at most 120 a second, again every second.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ErrorBody, PushAsk } from '../src/link/messages';
import { quantities } from '../src/link/tables';
import { answerOf, Pusher, type Clock } from '../src/state/pusher';
import { decodeCapture } from '../src/link/capture';
import { captureOf, CODING, f32 } from './captures';

class Times implements Clock {
  at = 1000;
  private due: { at: number; act: () => void }[] = [];
  now() { return this.at; }
  after(ms: number, act: () => void) {
    const item = { at: this.at + ms, act };
    this.due.push(item);
    return () => void (this.due = this.due.filter(d => d !== item));
  }
  pass(ms: number) {
    const end = this.at + ms;
    for (;;) {
      const next = this.due.filter(d => d.at <= end).sort((a, b) => a.at - b.at)[0];
      if (!next) break;
      this.due = this.due.filter(d => d !== next);
      this.at = Math.max(this.at, next.at);
      next.act();
    }
    this.at = end;
  }
}

const answerBytes = (step: number) => captureOf({ kind: 3, step }, [
  { quantity: quantities.output, coding: CODING.f32, shape: [3], bytes: f32([0.2, 0.7, 0.1]) },
  { quantity: quantities.value, coding: CODING.f32, shape: [2, 2], bytes: f32([1, 2, 3, 4]), layer: 2 },
  { quantity: quantities.truth, coding: CODING.f32, shape: [1], bytes: f32([1]) },
]);

function stage() {
  const times = new Times(), sent: { ask: PushAsk; at: number; done: (b: ArrayBuffer | null, e?: ErrorBody) => void }[] = [];
  const pusher = new Pusher((ask, done) => (sent.push({ ask, at: times.at, done }), () => {}), times);
  return { times, sent, pusher };
}
const sample = (n: number) => ({ sample: n });

test('an answer is read', () => {
  const answer = answerOf(decodeCapture(answerBytes(7))!, 3, 12)!;
  assert.equal(answer.step, 7);
  assert.equal(answer.truth, 1);
  assert.deepEqual([...answer.output].map(v => v.toFixed(1)), ['0.2', '0.7', '0.1']);
  assert.deepEqual(answer.values.get(2), { shape: [2, 2], data: Float32Array.from([1, 2, 3, 4]) });
  assert.equal(answerOf(decodeCapture(captureOf({ kind: 3 }, []))!, 0, 0), null);
});

test('two are in flight; of those asked meanwhile only the newest goes, with its pace', () => {
  const { times, sent, pusher } = stage();
  for (let i = 0; i < 5; i++) pusher.ask(sample(i));
  assert.deepEqual(sent.map(s => s.ask), [sample(0)], 'the second not before its pace');
  times.pass(9);
  assert.deepEqual(sent.map(s => s.ask), [sample(0), sample(4)]);
  for (let i = 5; i < 9; i++) pusher.ask(sample(i));
  times.pass(50);
  assert.equal(sent.length, 2, 'no third');
  sent[0]!.done(answerBytes(1));
  assert.equal(pusher.answer.value!.serial, 1);
  assert.deepEqual(sent.map(s => s.ask), [sample(0), sample(4), sample(8)]);
  sent[2]!.done(answerBytes(2));
  assert.equal(pusher.answer.value!.serial, 9);
  assert.equal(pusher.answer.value!.step, 2);
});

test('a thousand strokes a second are at most 120 pushes', () => {
  const { times, sent, pusher } = stage();
  let answered = 0;
  for (let ms = 0; ms < 1000; ms++) {
    pusher.ask(sample(ms));
    times.pass(1);
    if (answered < sent.length) sent[answered++]!.done(answerBytes(ms));
  }
  assert.ok(sent.length >= 105 && sent.length <= 121, `${sent.length}`);
});

test('the end of a stroke waits neither for the pace nor for those in flight; more than three are never on their way', () => {
  const { times, sent, pusher } = stage();
  pusher.ask(sample(0));
  times.pass(2);
  sent[0]!.done(answerBytes(1));
  pusher.ask(sample(1));
  assert.equal(sent.length, 1);
  pusher.hurry();
  assert.equal(sent.length, 2);
  pusher.ask(sample(2));
  times.pass(20);
  pusher.ask(sample(3));
  times.pass(20);
  assert.equal(sent.length, 3, 'two in flight while it is drawn');
  pusher.hurry();
  assert.equal(sent.length, 4);
  pusher.ask(sample(4));
  pusher.hurry();
  assert.equal(sent.length, 4, 'three are enough');
  sent[1]!.done(answerBytes(2));
  assert.equal(sent.length, 4);
  sent[3]!.done(answerBytes(3));
  assert.equal(pusher.answer.value!.step, 3);
  times.pass(40);
  assert.deepEqual(sent.map(s => s.ask), [0, 1, 2, 3, 4].map(sample));
});

test('of two in flight the newer one stays, whichever comes first', () => {
  const { sent, pusher } = stage();
  pusher.ask(sample(0));
  pusher.ask(sample(1));
  pusher.hurry();
  sent[1]!.done(answerBytes(8));
  sent[0]!.done(null, { code: 'x', message: 'too late to matter' });
  assert.equal(pusher.answer.value!.step, 8);
  assert.equal(pusher.error.value, '');
});

test('renewed: what was pushed last goes once more, nothing when there is nothing', () => {
  const { times, sent, pusher } = stage();
  pusher.renew();
  assert.equal(sent.length, 0);
  pusher.ask(sample(5));
  sent[0]!.done(null, { code: 'x', message: 'the connection was lost' });
  times.pass(2000);
  pusher.renew();
  sent[1]!.done(answerBytes(6));
  assert.deepEqual(sent.map(s => s.ask), [sample(5), sample(5)]);
  assert.equal(pusher.error.value, '');
  times.pass(5000);
  assert.equal(sent.length, 2);
});

test('while it trains the last one is pushed again every second', () => {
  const { times, sent, pusher } = stage();
  pusher.repeat(true);
  pusher.ask(sample(9));
  for (let i = 0; i < 3; i++) {
    times.pass(20);
    sent[i]!.done(answerBytes(i));
    times.pass(1000);
  }
  assert.equal(sent.length, 4);
  assert.ok(sent.every(s => (s.ask as { sample: number }).sample === 9));
  pusher.repeat(false);
  sent[3]!.done(answerBytes(3));
  times.pass(5000);
  assert.equal(sent.length, 4, 'no more when it holds');
});

test('what goes wrong is said, and asked again only while it trains', () => {
  const { times, sent, pusher } = stage();
  pusher.ask(sample(1));
  sent[0]!.done(null, { code: 'x', message: 'no such sample' });
  assert.equal(pusher.error.value, 'no such sample');
  times.pass(3000);
  assert.equal(sent.length, 1);
  pusher.ask(sample(2));
  times.pass(20000);
  assert.match(pusher.error.value, /did not answer/);
  sent[1]!.done(answerBytes(1));
  assert.equal(pusher.answer.value, null, 'an answer that comes too late is not taken');
});

test('cleared: the answer goes, and one that was on its way is not shown', () => {
  const { sent, pusher } = stage();
  pusher.ask(sample(1));
  pusher.ask(null);
  sent[0]!.done(answerBytes(1));
  assert.equal(pusher.answer.value, null);
});
