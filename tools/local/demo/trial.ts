import { randomUUID } from "node:crypto";
import { setTimeout as wait } from "node:timers/promises";
import { isClientError, type NestClient, verifyEntitlement } from "#client/index.ts";
import { machine, newAddress, openClient, readLink, readMail } from "#tools/local/demo/app.ts";
import type { Trace } from "#tools/local/demo/trace.ts";

/** Stripe's events need a moment; more than this is a fault. */
const LOOKS = 50;
const BETWEEN_LOOKS_MS = 200;
const PAST_THE_TRIAL_DAYS = 15;

/**
 * What the desktop app does between "Start a trial" and its end, with Stripe's time moved where Stripe is the double.
 * @throws StepFailed at the first step that does not hold, or the client's error
 */
export async function demonstrateTrial(trace: Trace): Promise<void> {
  const address = newAddress();
  const device = machine(randomUUID());
  const { nest } = openClient(trace);

  trace.step("Start a trial: no card, one for each address and machine");
  await nest.startTrial(address, { device });

  trace.step("Read the trial's own mail");
  const link = await readLink(trace, address);

  trace.step("Follow its link");
  const { flow, clientId } = await nest.finishSignIn(link);
  trace.require(flow === "trial", "the link says that it opens a trial");

  trace.step("How the subscription stands, for the app online and offline");
  const answer = await nest.call("get_subscription_status");
  trace.require(answer.status === "trialing", "it is trialing, before any event of Stripe's was needed");
  const stack = (await trace.askStack("GET", "/dev/status")) as {
    stripe: { mode: string };
    urls: { page: string };
  };
  const issuer = new URL(stack.urls.page).origin;
  const keys = await nest.keys();
  const proof = await verifyEntitlement(answer.entitlement ?? "", keys, { issuer, clientId });
  trace.require(proof?.status === "trialing", "an entitlement lets the app work offline");

  trace.step("A second trial on the same machine is refused");
  await trace.requireRefused("trial_already_used", nest.startTrial(newAddress(), { device }));

  if (stack.stripe.mode !== "double") {
    trace.note("Here is Stripe's own test mode, whose time this can't move: the trial's end is not shown.");
    return;
  }
  await endTrial(trace, address, nest);
}

async function endTrial(trace: Trace, address: string, nest: NestClient): Promise<void> {
  trace.step(`Stripe's time moves ${PAST_THE_TRIAL_DAYS} days: a reminder, then the end`);
  await trace.askStack("POST", "/dev/stripe/clock", { advance_days: PAST_THE_TRIAL_DAYS });
  await trace.quietly(async () => {
    for (let look = 1; look < LOOKS && (await isSubscribed(nest)); look++) await wait(BETWEEN_LOOKS_MS);
  });
  await trace.requireRefused("no_active_subscription", nest.call("get_subscription_status"));
  const { subject } = await readMail(trace, address);
  trace.require(subject === "Your Beak trial ends soon", "the reminder came before the end");
}

async function isSubscribed(nest: NestClient): Promise<boolean> {
  try {
    await nest.call("get_subscription_status");
    return true;
  } catch (error) {
    if (isClientError(error, "get_subscription_status") && error.code === "no_active_subscription")
      return false;
    throw error;
  }
}
