import type { Answer, Sent, Walk } from "#tests/support/walk.ts";

export type Made<Value> = (walk: Walk) => Value | Promise<Value>;

/** A request to the path of the entry; `in` replaces its placeholder. */
export const sends =
  (verb: string, make: Made<Sent & { in?: string }>) =>
  async (walk: Walk, path: string): Promise<Answer> => {
    const { in: value = "", ...sent } = await make(walk);
    return walk.send(path.replace(/\{\w+\}/, value), { verb, ...sent });
  };

/** Posts a body to the path of the entry. */
export const posts = (make: Made<object>, headers: Record<string, string> = {}) =>
  sends("POST", async (walk) => ({
    body: await make(walk),
    headers,
  }));
