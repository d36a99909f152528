import { setTimeout as wait } from "node:timers/promises";
import { isDeepStrictEqual } from "node:util";
import { endState, KNOWN_DEVICES, NOTICES, OPEN_ATTEMPTS } from "#tests/faults/end_state.ts";
import { DEPENDENCIES, type Dependency, type ProxiedNest } from "#tests/faults/proxied_nest.ts";
import type { Scenario } from "#tests/faults/scenario.ts";
import { nameOf } from "#tests/faults/scenarios.ts";
import type { Reply } from "#tests/support/nest.ts";
import type { FaultKind } from "#tools/machine/fault_proxy.ts";

/** The app times out after 5 s. Stripe waits longer than the webhook function may run. */
const ANSWERED_WITHIN_MS = 5_000;
const WEBHOOK_ANSWERED_WITHIN_MS = 21_000;
/** The first try and the retries. */
const MOST_TRIES = 4;
/** The wait between later tries. It is longer than any running call, lease or claim. */
const LEASE_EXPIRY_SECONDS = 150;

/** The smallest Retry-After of a response while a dependency fails. */
const SHORTEST_RETRY_AFTER_MS = 1_000;

/** A call without a fault: its steps, status and end state. */
export interface Clean {
  steps: Record<Dependency, string[]>;
  status: number;
  state: Record<string, unknown>;
}

export interface Fault {
  dependency: Dependency;
  /** Number of the step, from 1. */
  step: number;
  kind: FaultKind;
}

export interface Outcome {
  /** The first response: its status, and the code of an error. */
  answer: string;
  /** How often the call was retried until it succeeded. */
  retries: number;
}

let people = 0;
const newAddress = () => `person${++people}@example.com`;

/** Makes a call without a fault and records its steps. */
export async function runClean(proxied: ProxiedNest, scenario: Scenario): Promise<Clean> {
  const address = newAddress();
  const call = await scenario.prepare(proxied, address);
  await proxied.clearFaults();
  for (const proxy of Object.values(proxied.proxies)) proxy.steps.length = 0;
  const { status } = await call();
  // Steps of later event deliveries do not count.
  const steps = Object.fromEntries(
    DEPENDENCIES.map((dependency) => [dependency, [...proxied.proxies[dependency].steps]]),
  );
  await proxied.deliverEvents();
  return { steps: steps as Clean["steps"], status, state: await endState(proxied, address) };
}

/**
 * Makes a call with a fault at one of its steps, then retries it until it succeeds.
 * @throws Error if a response is late or `unknown`, if no retry succeeds, if the fault never starts, or if the end state
 *   differs from that without a fault
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
    throw broken(`the response took ${took} ms`);

  if (!hasStarted) throw broken("the call never reached this step");

  const answers = [summaryOf(first)];
  let last = first;
  while (last.status !== clean.status) {
    if (summaryOf(last).includes("unknown"))
      throw broken(`the response was unknown: ${proxied.nest.logLines.at(-1)}`);
    if (answers.length === MOST_TRIES) throw broken(`no retry succeeded: ${answers.join(", then ")}`);
    // The caller waits as Retry-After says. Later retries move the clock past leases and claims instead.
    if (answers.length > 1) proxied.nest.clock.advance(LEASE_EXPIRY_SECONDS);
    else if (last.headers["retry-after"]) await wait(SHORTEST_RETRY_AFTER_MS);
    last = await call();
    answers.push(summaryOf(last));
  }
  await proxied.deliverEvents();
  const state = await endState(proxied, address);
  // A notice is sent in one attempt, after everything is stored. So is the end of an attempt recorded.
  const hasNotice = (clean.state[NOTICES] as unknown[]).length > 0;
  const parts = [NOTICES, OPEN_ATTEMPTS, ...(hasNotice ? [KNOWN_DEVICES] : [])];
  if (answers.length === 1) for (const part of parts) state[part] = clean.state[part];
  if (!isDeepStrictEqual(state, clean.state)) throw broken(difference(state, clean.state, answers));
  return { answer: answers[0] ?? "", retries: answers.length - 1 };
}

const summaryOf = ({ status, body }: Reply) => (status < 300 ? String(status) : `${status} ${body.code}`);

function difference(
  actual: Record<string, unknown>,
  expected: Record<string, unknown>,
  answers: string[],
): string {
  const parts = Object.keys(expected).filter((name) => !isDeepStrictEqual(actual[name], expected[name]));
  const lines = parts.map(
    (name) =>
      `${name}\n  actual ${JSON.stringify(actual[name])}\n  expected ${JSON.stringify(expected[name])}`,
  );
  return `after ${answers.join(", then ")} the end state differs from that without the fault:\n${lines.join("\n")}`;
}
