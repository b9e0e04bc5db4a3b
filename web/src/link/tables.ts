// Generated from the tables under src by `make generate`. Do not edit.

export const eventTypes = {
  mark: 1,
  parameter: 2,
  program: 3,
  paused: 4,
  resumed: 5,
  stopping: 6,
  attempt: 7,
  started: 8,
  ended: 9,
  lost: 10,
  refused: 11,
} as const;

export const commandVerbs = {
  set: 1,
  pause: 2,
  resume: 3,
  step: 4,
  stop: 5,
} as const;

export const runStates = ["queued", "starting", "running", "paused", "finished", "failed", "crashed", "lost"] as const;
