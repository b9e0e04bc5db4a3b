// What to add to a program so that its network is seen: ready to copy.
import { useState } from 'preact/hooks';

const DESCRIBE = `nns_layer in = nns_layer_describe(run, &(nns_layer_info){
    .name = "input", .kind = "input", .dims = 2, .shape = {28, 28}});
nns_layer fc1 = nns_layer_describe(run, &(nns_layer_info){
    .name = "fc1", .kind = "dense", .activation = "relu",
    .dims = 1, .shape = {512}, .parameters = 784 * 512 + 512});`;

const REGISTER = `nns_tensor_add(run, &(nns_tensor_info){
    .layer = fc1, .role = NNS_WEIGHT, .dtype = NNS_FLOAT32,
    .dims = 2, .shape = {512, 784}, .data = w1});
nns_tensor_add(run, &(nns_tensor_info){
    .layer = fc1, .role = NNS_ACT, .valid = NNS_AT_STEP,
    .dtype = NNS_FLOAT32, .dims = 2, .shape = {batch, 512}, .data = a1});`;

function Lines({ text }: { text: string }) {
  const [done, setDone] = useState('');
  const failed = () => setDone('select and copy by hand'), copy = () => (navigator.clipboard ? void navigator.clipboard.writeText(text).then(() => setDone('copied'), failed) : failed());
  return (
    <div class="copy">
      <pre>{text}</pre>
      <button type="button" class="button small" onClick={copy}>{done || 'copy'}</button>
    </div>
  );
}

export function NoNetwork() {
  return (
    <div class="empty network-none">
      <h3>This run has described no network</h3>
      <p>Say which layers there are, and the network is drawn here.</p>
      <Lines text={DESCRIBE} />
      <p>Register the memory of weights, gradients and activations, and what happens in it is seen while it trains.</p>
      <Lines text={REGISTER} />
    </div>
  );
}

// Layers are known, but there is nothing to be seen in them.
export function NoTensors() {
  return (
    <div class="network-note empty">
      <h3>Layers, but no tensors yet</h3>
      <p>Register the memory of weights, gradients and activations: nothing is copied unless somebody looks.</p>
      <Lines text={REGISTER} />
    </div>
  );
}
