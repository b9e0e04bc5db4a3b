// Name, tags and notes of a run: edited in place, sent when confirmed, restored with Escape; a refusal is said beside the field.
import { useState } from 'preact/hooks';
import type { Run } from '../../link/messages';
import { change } from '../../state/runs';

function useChange(run: Run): [string, (what: { name?: string; tags?: string[]; notes?: string }) => Promise<boolean>] {
  const [trouble, setTrouble] = useState('');
  return [trouble, async what => {
    try {
      await change(run.id, what);
      setTrouble('');
      return true;
    } catch (error) {
      setTrouble(error instanceof Error ? error.message : String(error));
      return false;
    }
  }];
}

export function Name({ run }: { run: Run }) {
  const [draft, setDraft] = useState<string | null>(null), [trouble, send] = useChange(run);
  const keys = async (event: KeyboardEvent) => {
    if (event.key === 'Escape') setDraft(null);
    if (event.key === 'Enter' && draft !== null && draft.trim() && (await send({ name: draft.trim() }))) setDraft(null);
  };
  return (
    <>
      <input class="field" type="text" aria-label="name" maxLength={255} value={draft ?? run.name} title="Enter keeps, Escape restores"
        onInput={event => setDraft(event.currentTarget.value)} onKeyDown={event => void keys(event)} />
      {trouble && <p class="bad" role="alert">{trouble}</p>}
    </>
  );
}

export function Tags({ run }: { run: Run }) {
  const [draft, setDraft] = useState(''), [trouble, send] = useChange(run), tags = run.tags ?? [];
  const add = async () => {
    const tag = draft.trim();
    if (tag === '' || tags.includes(tag)) return setDraft('');
    if (await send({ tags: [...tags, tag] })) setDraft('');
  };
  return (
    <div class="facts-tags">
      <ul aria-label="tags">
        {tags.map(tag => (
          <li key={tag} class="tag">
            {tag}
            <button type="button" aria-label={`remove tag ${tag}`} onClick={() => void send({ tags: tags.filter(t => t !== tag) })}>×</button>
          </li>
        ))}
        <li>
          <input class="field" type="text" aria-label="add a tag" placeholder="add a tag" maxLength={64} value={draft}
            onInput={event => setDraft(event.currentTarget.value)}
            onKeyDown={event => (event.key === 'Enter' ? void add() : event.key === 'Escape' && setDraft(''))} />
        </li>
      </ul>
      {trouble && <p class="bad" role="alert">{trouble}</p>}
    </div>
  );
}

export function Notes({ run }: { run: Run }) {
  const [draft, setDraft] = useState<string | null>(null), [trouble, send] = useChange(run);
  const save = async () => {
    if (draft !== null && (draft === (run.notes ?? '') || (await send({ notes: draft })))) setDraft(null);
  };
  return (
    <div class="facts-notes">
      <textarea class="field" rows={5} aria-label="notes" placeholder="What is this run about?" value={draft ?? run.notes ?? ''}
        onInput={event => setDraft(event.currentTarget.value)} onBlur={() => void save()}
        onKeyDown={event => {
          if (event.key === 'Escape') setDraft(null);
          if (event.key === 'Enter' && (event.ctrlKey || event.metaKey)) void save();
        }} />
      <p class="faint">{draft !== null && draft !== (run.notes ?? '') ? 'kept when you leave the field' : '\u00a0'}</p>
      {trouble && <p class="bad" role="alert">{trouble}</p>}
    </div>
  );
}
