// Curves: panels of series, grouped by prefix.
export function Curves(_: { run: string }) {
  return <div class="curves" />;
}
export function CurvesBar() {
  return <div class="curves-bar" />;
}
