// What was done to the run, newest first: every command with its author, its step, how it ended, and an undo where there is one.
import type { Command } from '../../link/messages';
import { clock, whole } from '../../look/format';
import { changesOf } from './ask';
import { author, changeWords } from './words';

const SHOWN = 200;

const timeOf = (c: Command): number => (typeof c.asked === 'string' ? Date.parse(c.asked) : 1000 * Number(c.asked ?? 0));

function reasonOf(command: Command): string {
  return command.reason?.message ?? '';
}

// A pinned sample: its name, and which it is.
function pinned(command: Command): string {
  const { name, sample } = (command.values ?? {}) as { name?: unknown; sample?: unknown };
  const which = typeof sample === 'number' ? `sample ${sample}` : '';
  return [name, which === name ? '' : which].filter(Boolean).join(', ');
}

function what(command: Command): string {
  if (command.type === 'pin' || command.type === 'unpin') return pinned(command);
  const changes = changesOf(command.values);
  if (changes.length > 0) return changes.map(c => `${c.name} ${changeWords(c)}`).join(', ');
  return command.steps && command.type === 'step' ? `${command.steps} steps` : '';
}

function Entry({ command, me }: { command: Command; me: string }) {
  const tone = command.state === 'applied' ? 'good' : command.state === 'asked' ? 'muted' : 'bad', at = timeOf(command);
  const reason = reasonOf(command);
  return (
    <tr>
      <td class="number faint">{at > 0 ? clock(at) : ''}</td>
      <td>{command.type}</td>
      <td class="number history-what" title={what(command)}>{what(command)}</td>
      <td class={tone}>{command.state}{reason && <span class="muted"> {reason}</span>}</td>
      <td class="number history-step">{command.step !== null && command.step !== undefined && command.step >= 0 ? whole(command.step) : ''}</td>
      <td class="muted">{author(command.author, me)}{command.from && command.from !== 'page' ? ` \u00b7 ${command.from}` : ''}</td>
    </tr>
  );
}

export function History({ commands, me }: { commands: readonly Command[]; me: string }) {
  if (commands.length === 0) return <p class="faint">Nothing has been done to this run yet.</p>;
  const newest = commands.slice(-SHOWN).reverse();
  return (
    <div class="history">
      <table aria-label="history">
        <thead><tr><th>time</th><th>act</th><th>what</th><th>outcome</th><th class="history-step">step</th><th>by</th></tr></thead>
        <tbody>{newest.map(command => <Entry key={command.id} command={command} me={me} />)}</tbody>
      </table>
    </div>
  );
}
