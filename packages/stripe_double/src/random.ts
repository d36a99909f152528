/** Numbers in [0, 1) that a seed decides, so that a run can be repeated. */
export function seededRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** The elements in an order that a source of numbers decides. */
export function shuffled<Element>(elements: readonly Element[], random: () => number): Element[] {
  const order = elements.map((element) => ({ element, rank: random() }));
  return order.sort((one, other) => one.rank - other.rank).map(({ element }) => element);
}
