// The page's address as a QR code, for a phone: the one by which it was opened, or what the server says that others reach it by.
// There is none while the server listens on loopback alone. Without the token: whoever opens it is asked for theirs.
import { useLayoutEffect, useRef, useState } from 'preact/hooks';
import type { Matrix } from '../look/qr';
import { link } from '../state/link';
import { shareOpen } from './open';

const LOOPBACK = /^(localhost|.*\.localhost|127(\.\d+){3}|\[::1\])$/;
const isLoopback = (host: string): boolean => LOOPBACK.test(host);

// "": nobody else can reach it.
export const addressToShare = (): string => (isLoopback(location.hostname) ? link.hello.value?.address ?? '' : new URL('.', document.baseURI).href);

const QUIET = 4;                 // light modules around it
function Code({ matrix, text }: { matrix: Matrix; text: string }) {
  const size = matrix.length + 2 * QUIET;
  const path = matrix.flatMap((row, r) => row.map((dark, c) => (dark ? `M${c + QUIET} ${r + QUIET}h1v1h-1z` : ''))).join('');
  return <svg class="qr" viewBox={`0 0 ${size} ${size}`} role="img" aria-label={`QR code of ${text}`} shape-rendering="crispEdges"><rect width={size} height={size} fill="#fff" /><path d={path} fill="#000" /></svg>;
}

export function Share() {
  const box = useRef<HTMLDialogElement>(null), [matrix, setMatrix] = useState<Matrix | null>(null), close = () => (shareOpen.value = false);
  const address = addressToShare();
  useLayoutEffect(() => {
    box.current?.showModal();
    void import('../look/qr').then(m => setMatrix(m.qrOf(address)));
  }, []);
  return (
    <dialog class="help share" ref={box} aria-label="on a phone" onClose={close} onClick={e => e.target === box.current && close()}>
      <h3>On a phone</h3>
      {matrix && <Code matrix={matrix} text={address} />}
      <p class="share-address">{address}</p>
      <p class="faint">It asks for a token: <code>nnscope token add</code> on the server makes one.</p>
    </dialog>
  );
}
