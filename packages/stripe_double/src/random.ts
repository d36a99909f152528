/** A random number generator with a seed. Returns numbers from 0 (inclusive) to 1 (exclusive). */
export function seededRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Copies the elements in a random order. */
export function shuffled<Element>(elements: readonly Element[], random: () => number): Element[] {
  const order = elements.map((element) => ({ element, rank: random() }));
  return order.sort((one, other) => one.rank - other.rank).map(({ element }) => element);
}
