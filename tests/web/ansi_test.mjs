// Terminal output to lines: against cases written by hand and, for the border of pieces, against the whole text at once.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { bundle } from './support/bundle.mjs';

const { Lines } = await bundle('web/src/views/log/ansi.ts');
const read = (...pieces) => {
  const lines = new Lines();
  pieces.forEach(piece => lines.push(piece));
  return lines.lines;
};
const texts = (...pieces) => read(...pieces).map(line => line.text);

test('lines, tabs, backspace', () => {
  assert.deepEqual(texts('a\nb\tc\nxy\bz'), ['a', 'b       c', 'xz']);
});

test('a carriage return overwrites, as progress bars do', () => {
  assert.deepEqual(texts('10 %\r20 %\rdone\nnext'), ['done', 'next']);
  assert.deepEqual(texts('loading...\r\x1b[Kok\n'), ['ok', '']);
  assert.deepEqual(texts('one\r\ntwo\r\n'), ['one', 'two', '']);
});

test('colours: sixteen, 256, true colour, reset', () => {
  const [line] = read('\x1b[31mred\x1b[0m \x1b[1;92mbold\x1b[m \x1b[38;5;208morange\x1b[39m\x1b[48;2;1;2;3mon\x1b[0m');
  assert.equal(line.text, 'red bold orangeon');
  assert.deepEqual(line.spans.map(s => [line.text.slice(s.from, s.to), s.style.fg, s.style.bg, s.style.bold]),
    [['red', '1', '', false], ['bold', '10', '', true], ['orange', '#ff8700', '', false], ['on', '', '#010203', false]]);
});

test('overwriting keeps the colours of what stays', () => {
  const [line] = read('\x1b[32mgreen\x1b[0m\rXX');
  assert.equal(line.text, 'XXeen');
  assert.deepEqual(line.spans.map(s => [s.from, s.to, s.style.fg]), [[2, 5, '2']]);
});

test('other sequences and controls leave nothing', () => {
  assert.deepEqual(texts('\x1b[2J\x1b[H\x1b]0;title\x07a\x1b(B\x1b[?25lb\x00\x9b\x1b]8;;http://x\x1b\\c'), ['abc']);
});

test('markup stays text', () => {
  assert.deepEqual(texts('<img src=x onerror=alert(1)>'), ['<img src=x onerror=alert(1)>']);
});

test('pieces cut anywhere give what the whole gives', () => {
  const whole = '\x1b[1;31mA\x1b[0mB\r\x1b[38;2;9;8;7mC\x1b]0;t\x1b\\D\tE\n\x1b[4munder\x1b[24m \x1b[Kx\r\n';
  const expected = read(whole);
  for (let cut = 1; cut < whole.length; cut++) assert.deepEqual(read(whole.slice(0, cut), whole.slice(cut)), expected, `cut at ${cut}`);
  assert.deepEqual(read(...whole), expected);
});

test('an endless line and endless output are bounded', () => {
  assert.ok(read('x'.repeat(100000)).every(line => line.text.length <= 16384));
  const lines = new Lines(100);
  for (let i = 0; i < 1000; i++) lines.push(`${i}\n`);
  assert.ok(lines.lines.length <= 111);
  assert.equal(lines.lines.at(-2).text, '999');
  assert.equal(lines.dropped + lines.lines.length, 1001);
});
