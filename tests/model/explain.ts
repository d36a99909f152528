import type { Expected, Operation } from "#tests/model/operation.ts";
import { fingerprint } from "#tests/model/state.ts";
import type { Answer, Names } from "#tests/model/system.ts";

/** A state that explains the responses. */
interface Explanation<State> {
  state: State;
  /** Names of the values in the responses. */
  names: Names;
}

type Steps<State> = Pick<Operation<unknown, State>, "begin" | "finish" | "isWebhook">;

/** Progress of an operation in an explanation. */
interface Progress {
  begun: { value: unknown } | null;
  isFinished: boolean;
}

/**
 * Finds the states that explain the responses of operations: it tries each order of their steps from each possible state.
 * No state means that a promise is broken.
 * @param expected collects every response that some order allows, for the report
 */
export function explain<State>(
  before: readonly State[],
  operations: readonly Steps<State>[],
  answers: readonly Answer[],
  names: Names,
  expected: Set<string> = new Set(),
): Explanation<State>[] {
  const found = new Map<string, Explanation<State>>();
  const isLoose = (operation: Steps<State>) => operations.length > 1 && operation.isWebhook === true;

  const go = (now: Explanation<State>, progress: readonly Progress[]) => {
    if (progress.every(({ isFinished }) => isFinished)) {
      found.set(fingerprint(now.state), now);
      return;
    }
    for (const [number, { begun, isFinished }] of progress.entries()) {
      if (isFinished) continue;
      const operation = operations[number] as Steps<State>;
      const state = structuredClone(now.state);
      if (begun === null) {
        const value = operation.begin(state);
        go({ ...now, state }, progress.with(number, { begun: { value }, isFinished: false }));
        continue;
      }
      const wanted = operation.finish(state, structuredClone(begun.value));
      expected.add(operations.length > 1 ? `${number + 1}: ${wanted.code}` : wanted.code);
      const learnt = learn(now.names, wanted, answers[number] as Answer, isLoose(operation));
      if (learnt) go({ state, names: learnt }, progress.with(number, { begun, isFinished: true }));
    }
  };
  for (const state of before) {
    go(
      { state, names },
      operations.map(() => ({ begun: null, isFinished: false })),
    );
  }
  return [...found.values()];
}

/** Adds the values of a response to the names; null if the response is not the expected one. */
function learn(known: Names, wanted: Expected, { code, holds }: Answer, isLoose: boolean): Names | null {
  if (isLoose) return known;
  if (wanted.code !== code) return null;
  const names = new Map(known);
  for (const [kind, name] of Object.entries(wanted.names ?? {})) {
    const value = holds[kind];
    const before = names.get(name);
    if (value === undefined || (before !== undefined && before !== value)) return null;
    names.set(name, value);
  }
  return names;
}
