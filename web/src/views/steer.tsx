// Steer: the run's parameters, changed in place while it trains, and the history of what was done to it.
import type { Run } from '../link/messages';
import { link } from '../state/link';
import { isOver, runs } from '../state/runs';
import { sendCommand, useWatch } from '../state/watch';
import { History } from './steer/history';
import { Row } from './steer/row';
import './steer/steer.css';

const EXAMPLE = `double lr = 0.1;
nns_param_double(run, "lr", &lr,
    &(nns_range){.min = 1e-6, .max = 1, .log_scale = true});`;

function Empty() {
  return (
    <div class="empty">
      <h3>No parameters yet</h3>
      <p>Declare a variable of the program, and it can be changed here while it trains.</p>
      <pre>{EXAMPLE}</pre>
    </div>
  );
}

// Why nothing can be changed, or "" when it can.
function hindrance(run: Run): string {
  if (isOver(run)) return `This run is over (${run.state}): its parameters stand as it left them.`;
  const scopes = link.hello.value?.scopes;
  if (scopes && scopes.length > 0 && !scopes.includes('control')) return 'Your token may look but not steer.';
  return link.state.value.up ? '' : 'The connection is lost: changes can be made again when it is back.';
}

export function Steer({ run: id }: { run: string }) {
  const watch = useWatch(id), run = runs.value.get(id);
  if (!run) return <div class="empty"><h3>No run chosen</h3></div>;
  const parameters = watch.parameters.value, commands = watch.commands.value;
  if (parameters.length === 0 && watch.ready.value && commands.length === 0) return <Empty />;
  const why = hindrance(run), me = link.hello.value?.name ?? '';
  return (
    <div class="steer">
      <h2>Parameters</h2>
      {why && <p class="notice steer-why">{why}</p>}
      <ul class="steer-rows">
        {parameters.map(p => (
          <Row key={p.name} run={run} parameter={p} commands={commands} me={me} steerable={why === ''} send={request => sendCommand(id, request)} />
        ))}
      </ul>
      <h2>History</h2>
      <History commands={commands} me={me} />
    </div>
  );
}
