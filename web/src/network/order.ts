// The layers in ranks: a layer stands behind all that feed it, branches of one rank side by side.
import type { NetworkModel } from './model';

// Places of the layers that feed each layer; names that do not exist are left out, of a doubled name the first counts.
export function sourcesOf(model: NetworkModel): number[][] {
  const place = new Map<string, number>();
  model.layers.forEach((layer, i) => place.has(layer.name) || place.set(layer.name, i));
  return model.layers.map((layer, i) => layer.inputs.flatMap(name => {
    const at = place.get(name);
    return at === undefined || at === i ? [] : [at];
  }));
}

// Ranks from left to right. A circle (a wrongly described model) is cut where it was met: each layer stands exactly once.
export function ranksOf(model: NetworkModel): number[][] {
  const sources = sourcesOf(model), waiting = sources.map(s => new Set(s).size), users: number[][] = sources.map(() => []);
  sources.forEach((from, i) => new Set(from).forEach(s => users[s]!.push(i)));
  const rank = new Int32Array(sources.length).fill(-1), depth = new Int32Array(sources.length);
  const ready = waiting.flatMap((n, i) => (n === 0 ? [i] : []));
  let next = 0, unseen = 0;
  for (let done = 0; done < sources.length; done++) {
    if (next === ready.length) {
      while (rank[unseen]! >= 0 || waiting[unseen]! <= 0) unseen++;
      waiting[unseen] = 0;
      ready.push(unseen);
    }
    const at = ready[next++]!;
    rank[at] = depth[at]!;
    for (const user of users[at]!) {
      if (rank[user]! >= 0) continue;
      depth[user] = Math.max(depth[user]!, rank[at]! + 1);
      if (--waiting[user]! === 0) ready.push(user);
    }
  }
  const ranks: number[][] = [];
  rank.forEach((r, i) => (ranks[r] ??= []).push(i));
  return ranks.filter(Boolean);
}
