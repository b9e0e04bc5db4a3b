// What the network sees: the pixels that it is given, small, as they are.
import { PixelCanvas } from '../media/pixels';
import type { Answer } from '../../state/pusher';
import type { Form } from './form';
import { seenPixels } from './pad';
import { source } from './source';

export function SeenByNetwork({ form, answer }: { form: Form; answer: Answer | null }) {
  const pixels = seenPixels(source.value, form, answer);
  return (
    <figure class="try-seen" aria-label="as the network sees it">
      {pixels ? <PixelCanvas pixels={{ width: form.width, height: form.height, channels: 1, bytes: pixels }} /> : <span class="try-unseen" />}
      <figcaption class="faint">as the network sees it, {form.width} {'\u00d7'} {form.height}</figcaption>
    </figure>
  );
}
