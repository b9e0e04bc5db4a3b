// The page's one live link.
import { Link, liveAddress } from '../link/link';

export const link = new Link(liveAddress(document.baseURI));

export function openLink(): void {
  link.open();
  addEventListener('online', () => link.hurry());
  document.addEventListener('visibilitychange', () => document.hidden || link.hurry());
}
