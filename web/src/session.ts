// The page at /?token=...: trades the token for the session cookie, takes it out of the address and opens the dashboard.
// (A redirect would lose a SameSite=Strict cookie for somebody who comes by a link.)

function say(text: string, detail = ''): void {
  const place = document.getElementById('session')!;
  place.textContent = '';
  for (const line of [text, detail]) {
    if (!line) continue;
    const p = document.createElement('p');
    p.textContent = line;
    place.append(p);
  }
}

async function trade(): Promise<void> {
  const address = new URL(location.href);
  const token = address.searchParams.get('token') ?? '';
  address.searchParams.delete('token');
  history.replaceState(null, '', address.pathname + address.search + address.hash);
  if (!token) return say('This page needs a token.', 'The server prints the whole address when it starts: open that one.');
  const reply = await fetch('api/v1/session', {
    method: 'POST', headers: { Authorization: 'Bearer ' + token }, credentials: 'same-origin',
  });
  if (reply.ok) location.reload(); // a replace would not leave this page when the address has a fragment
  else if (reply.status === 401) say('The server does not know this token.', 'It may have been revoked. `nnscope token add` makes another.');
  else say(`The server refused (${reply.status}).`, 'Reload to try again.');
}

trade().catch(() => say('The server does not answer.', 'Is it running? `nnscope server` starts it; then reload.'));
