import { setTimeout as wait } from "node:timers/promises";
import { isDeepStrictEqual } from "node:util";
import { endState } from "#tests/faults/end_state.ts";
import { DEPENDENCIES, type Dependency, type ProxiedNest } from "#tests/faults/proxied_nest.ts";
import { nameOf, type Scenario } from "#tests/faults/scenarios.ts";
import type { FaultKind } from "#tests/support/fault_proxy.ts";
import type { Reply } from "#tests/support/nest.ts";

/** The app leaves after 5 s; Stripe waits longer than our function runs. */
const ANSWERED_WITHIN_MS = 5_000;
const WEBHOOK_ANSWERED_WITHIN_MS = 21_000;
/** The first try and those after it. */
const MOST_TRIES = 4;
/** Between later tries: longer than the time in which a call could still be at work, or a lease or claim stands. */
const PATIENCE_SECONDS = 150;

/** As the answer says while a dependency is lost. */
const SHORTEST_RETRY_AFTER_MS = 1_000;

/** How a call goes when nothing goes wrong. */
export interface Clean {
  steps: Record<Dependency, string[]>;
  status: number;
  state: Record<string, unknown>;
}

export interface Fault {
  dependency: Dependency;
  /** The number of the step, from 1. */
  step: number;
  kind: FaultKind;
}

export interface Outcome {
  /** The first answer: a status, or an error's code with its status. */
  answer: string;
  /** How often the same call was made again until it succeeded. */
  retries: number;
}

let people = 0;
const newAddress = () => `person${++people}@example.com`;

/** Makes the call without a fault, and counts its steps. */
export async function runClean(proxied: ProxiedNest, scenario: Scenario): Promise<Clean> {
  const address = newAddress();
  const call = await scenario.prepare(proxied, address);
  await proxied.clearFaults();
  for (const proxy of Object.values(proxied.proxies)) proxy.steps.length = 0;
  const { status } = await call();
  // Counted before the rest arrives.
  const steps = Object.fromEntries(
    DEPENDENCIES.map((dependency) => [dependency, [...proxied.proxies[dependency].steps]]),
  );
  await proxied.deliverEvents();
  return { steps: steps as Clean["steps"], status, state: await endState(proxied, address) };
}

/**
 * Makes the call while a part goes wrong at one of its steps, then again until it succeeds.
 * @throws Error if an answer is late or unclear, if no retry succeeds, or if it ends otherwise than without the fault
 */
export async function runFaulty(
  proxied: ProxiedNest,
  scenario: Scenario,
  clean: Clean,
  fault: Fault,
): Promise<Outcome> {
  const { dependency, step, kind } = fault;
  const broken = (what: string) =>
    new Error(
      `${nameOf(scenario)}, ${dependency}: ${kind} at ${clean.steps[dependency][step - 1]} (step ${step}): ${what}`,
    );
  const address = newAddress();
  const call = await scenario.prepare(proxied, address);
  proxied.proxies[dependency].arm(kind, step);
  const startedAt = Date.now();
  const first = await call();
  const took = Date.now() - startedAt;
  const hasStarted = proxied.proxies[dependency].hasStarted;
  await proxied.clearFaults();
  const isWebhook = scenario.path.includes("webhook");
  if (took > (isWebhook ? WEBHOOK_ANSWERED_WITHIN_MS : ANSWERED_WITHIN_MS))
    throw broken(`it took ${took} ms`);

  if (!hasStarted) throw broken("the call never reached this step");

  const answers = [saidBy(first)];
  let last = first;
  while (last.status !== clean.status) {
    if (saidBy(last).includes("unknown"))
      throw broken(`it answered unknown: ${proxied.nest.logLines.at(-1)}`);
    if (answers.length === MOST_TRIES) throw broken(`it answered ${answers.join(", then ")}`);
    // Whoever makes a call again waits as long as it says; what is longer than that is over when the clock is moved.
    if (answers.length > 1) proxied.nest.clock.advance(PATIENCE_SECONDS);
    else if (last.headers["retry-after"]) await wait(SHORTEST_RETRY_AFTER_MS);
    last = await call();
    answers.push(saidBy(last));
  }
  await proxied.deliverEvents();
  const state = await endState(proxied, address);
  if (!isDeepStrictEqual(state, clean.state)) throw broken(difference(state, clean.state, answers));
  return { answer: answers[0] ?? "", retries: answers.length - 1 };
}

const saidBy = ({ status, body }: Reply) => (status < 300 ? String(status) : `${status} ${body.code}`);

function difference(is: Record<string, unknown>, should: Record<string, unknown>, answers: string[]): string {
  const parts = Object.keys(should).filter((name) => !isDeepStrictEqual(is[name], should[name]));
  const lines = parts.map(
    (name) => `${name}\n  is ${JSON.stringify(is[name])}\n  should be ${JSON.stringify(should[name])}`,
  );
  return `after ${answers.join(", then ")} it ended otherwise than without it:\n${lines.join("\n")}`;
}
