// Trades the token of the address for the session cookie and takes it out of the address.
'use strict';
const address = new URL(location.href);
const given = address.searchParams.get('token');
const message = document.getElementById('message');
const input = document.getElementById('token');

async function trade(token) {
  const reply = await fetch('api/v1/session', { method: 'POST', headers: { Authorization: 'Bearer ' + token } });
  if (reply.ok) {
    location.replace(address.pathname + address.search + address.hash);
    return;
  }
  message.textContent = (await reply.json()).error.message;
}

function enter(token) {
  trade(token).catch(() => { message.textContent = 'The server does not answer.'; });
}

address.searchParams.delete('token');
history.replaceState(null, '', address.pathname + address.search + address.hash);
document.getElementById('enter').addEventListener('click', () => enter(input.value.trim()));
input.addEventListener('keydown', (event) => { if (event.key === 'Enter') enter(input.value.trim()); });
if (given) enter(given);
