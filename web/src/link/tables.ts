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
  trouble: 12,
  nonfinite: 13,
} as const;

export const commandVerbs = {
  set: 1,
  pause: 2,
  resume: 3,
  step: 4,
  stop: 5,
  keep: 6,
  pin: 7,
  unpin: 8,
  prune: 9,
} as const;

export const runStates = ["queued", "starting", "running", "paused", "finished", "failed", "crashed", "lost"] as const;

export const quantities = {
  activation: 1,
  gradient: 2,
  marks: 3,
  mean: 4,
  active: 5,
  class_mean: 6,
  selectivity: 7,
  weight_in: 8,
  statistics: 10,
  weight: 16,
  weight_gradient: 17,
  update: 18,
  bias: 19,
  bias_gradient: 20,
  strong_weight: 24,
  strong_gradient: 25,
  strong_update: 26,
  input: 32,
  output: 33,
  value: 34,
  truth: 35,
  unit_weight: 40,
  unit_gradient: 41,
  unit_update: 42,
  unit_out: 43,
  unit_samples: 44,
  unit_sample_values: 45,
  confusion: 50,
  worst: 51,
  worst_values: 52,
  best: 53,
  best_values: 54,
  correlation: 56,
  pruning: 57,
  tensor: 58,
} as const;

export const statistics = ['activation/norm', 'activation/mean', 'activation/deviation', 'activation/min', 'activation/max', 'gradient/norm', 'gradient/mean', 'gradient/deviation', 'gradient/min', 'gradient/max', 'weight/norm', 'weight/mean', 'weight/deviation', 'weight/min', 'weight/max', 'update_ratio', 'sparsity', 'near_zero', 'dead', 'saturated', 'nonfinite'] as const;
