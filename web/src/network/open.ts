// The picture is loaded when it is first wanted: nothing of it is in the first paint.
import type { NetworkPicture, PictureEvents, PictureTheme } from './model';

export async function openPicture(host: HTMLElement, theme: PictureTheme, events: PictureEvents = {}): Promise<NetworkPicture> {
  const { Picture } = await import('./picture');
  return new Picture(host, theme, events);
}
