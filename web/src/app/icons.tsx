// The few icons, drawn here: one path each on a field of 16.
const PATHS = {
  pause: 'M4 3h3v10H4zM9 3h3v10H9z',
  play: 'M4.5 2.5v11l9-5.5z',
  step: 'M3 3v10l7-5zM11 3h2.4v10H11z',
  stop: 'M3.5 3.5h9v9h-9z',
  moon: 'M13.4 10.2A6 6 0 0 1 5.8 2.6a6 6 0 1 0 7.6 7.6z',
  sun: 'M8 4.8a3.2 3.2 0 1 0 0 6.4 3.2 3.2 0 0 0 0-6.4zM7.3 1h1.4v2H7.3zM7.3 13h1.4v2H7.3zM1 7.3h2v1.4H1zM13 7.3h2v1.4h-2zM2.6 3.6l1-1L5 4 4 5zM11 12l1-1 1.4 1.4-1 1zM2.6 12.4 4 11l1 1-1.4 1.4zM11 4l1.4-1.4 1 1L12 5z',
  menu: 'M2 3.5h12V5H2zM2 7.2h12v1.5H2zM2 11h12v1.5H2z',
  phone: 'M4.5 1h7A1.5 1.5 0 0 1 13 2.5v11a1.5 1.5 0 0 1-1.5 1.5h-7A1.5 1.5 0 0 1 3 13.5v-11A1.5 1.5 0 0 1 4.5 1zM4.5 2.8v8.7h7V2.8zM7 12.6v1h2v-1z',
  more: 'M2.6 6.7h2.6v2.6H2.6zM6.7 6.7h2.6v2.6H6.7zM10.8 6.7h2.6v2.6h-2.6z',
} as const;

export type IconName = keyof typeof PATHS;
export function Icon({ name }: { name: IconName }) {
  return <svg class="icon" viewBox="0 0 16 16" width="16" height="16" aria-hidden="true"><path d={PATHS[name]} fill="currentColor" fill-rule="evenodd" /></svg>;
}

export function Brand() {
  return (
    <svg class="brand-mark" viewBox="0 0 32 32" width="20" height="20" aria-hidden="true">
      <circle cx="16" cy="16" r="14" fill="none" stroke="currentColor" stroke-width="2.6" />
      <path d="M6 17h5l3-8 4.4 14L21.6 15H26" fill="none" stroke="currentColor" stroke-width="2.8" stroke-linecap="round" stroke-linejoin="round" />
    </svg>
  );
}
