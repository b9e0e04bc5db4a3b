// One line of output, as text in spans.
import type { Line, Style } from './ansi';
import { piecesOf, type Find } from './find';

const named = (colour: string) => colour !== '' && !colour.startsWith('#');

function classes(s: Style, found: number): string {
  const [fg, bg] = s.inverse ? [s.bg || 'bg', s.fg || 'fg'] : [s.fg, s.bg];
  return [
    named(fg) && `fg-${fg}`, named(bg) && `on-${bg}`, s.bold && 'bold', s.dim && 'dim', s.italic && 'italic',
    s.underline && 'underline', s.strike && 'strike', found === 1 && 'found', found === 2 && 'found here',
  ].filter(Boolean).join(' ');
}

function colours(s: Style): { color?: string; background?: string } {
  const [fg, bg] = s.inverse ? [s.bg, s.fg] : [s.fg, s.bg];
  return { ...(fg.startsWith('#') && { color: fg }), ...(bg.startsWith('#') && { background: bg }) };
}

export function LogLine({ line, finds, current }: { line: Line; finds: readonly Find[]; current: Find | undefined }) {
  return (
    <div class="log-line">
      {piecesOf(line, finds, current).map((piece, i) => {
        if (!piece.style) return piece.found ? <mark key={i} class={piece.found === 2 ? 'found here' : 'found'}>{piece.text}</mark> : piece.text;
        return <span key={i} class={classes(piece.style, piece.found)} style={colours(piece.style)}>{piece.text}</span>;
      })}
    </div>
  );
}
