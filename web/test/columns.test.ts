// Frames as src/server/frame.h draws them, decoded in place; cut and broken ones are refused.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decode } from '../src/link/columns';
import { bucketBlock, frame, rawBlock } from './frames';

const RUN = '01J9Z8Q7W6E5R4T3Y2U1A0S9DF';

test('raw and bucket blocks', () => {
  const bytes = frame(1, 7, RUN, [
    rawBlock('train/loss', { first: 10, attempt: 2, timeOffset: 1e12, step: [5, 6, 7], time: [0, 1, 2], value: [1.5, NaN, -Infinity] }),
    bucketBlock('väl', { first: 0, after: 9, width: 4, step: [0, 4, 8], stepLast: [3, 7, 8], time: [0, 4, 8], min: [1, 2, 3], max: [2, 3, 4], mean: [1.5, 2.5, 3.5], last: [2, 2, 4], count: [4, 4, 1], nonfinite: [0, 1, 0] }),
  ]);
  const f = decode(bytes)!;
  assert.equal(f.kind, 1);
  assert.equal(f.id, 7);
  assert.equal(f.run, RUN);
  const [raw, buckets] = f.blocks;
  assert.equal(raw.series, 'train/loss');
  assert.deepEqual([raw.first, raw.after, raw.attempt, raw.timeOffset], [10, 13, 2, 1e12]);
  assert.deepEqual([...raw.raw!.value], [1.5, NaN, -Infinity]);
  assert.equal(raw.raw!.step.buffer, bytes, 'read in place');
  assert.equal(buckets.series, 'väl');
  assert.equal(buckets.width, 4);
  assert.deepEqual([...buckets.buckets!.stepLast], [3, 7, 8]);
  assert.deepEqual([...buckets.buckets!.last], [2, 2, 4]);
  assert.deepEqual([...buckets.buckets!.nonfinite], [0, 1, 0]);
});

test('every cut frame is refused', () => {
  const bytes = frame(2, 0, RUN, [rawBlock('a', { first: 0, step: [1, 2], time: [1, 2], value: [1, 2] })]);
  for (let length = 0; length < bytes.byteLength; length++) assert.equal(decode(bytes.slice(0, length)), null, `cut at ${length}`);
  assert.ok(decode(bytes));
});

test('a foreign magic and lying lengths are refused', () => {
  const bytes = frame(1, 1, RUN, [rawBlock('a', { first: 0, step: [1], time: [1], value: [1] })]);
  const foreign = bytes.slice(0);
  new DataView(foreign).setUint32(0, 1, true);
  assert.equal(decode(foreign), null);
  for (const rows of [1000, 0xffffffff]) {
    const lying = bytes.slice(0);
    new DataView(lying).setUint32(48 + 8, rows, true);
    assert.equal(decode(lying), null);
  }
  const many = bytes.slice(0);
  new DataView(many).setUint32(12, 1000000, true);
  assert.equal(decode(many), null);
});
