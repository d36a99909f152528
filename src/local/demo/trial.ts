import { randomUUID } from "node:crypto";
import { setTimeout as wait } from "node:timers/promises";
import { askedLink, linkIn, newAddress, readMail, redemption, type Tokens, V1, V2 } from "#local/demo/app.ts";
import type { Trace } from "#local/demo/trace.ts";

/** Stripe's events need a moment; more than this is a fault. */
const LOOKS = 50;
const BETWEEN_LOOKS_MS = 200;
const PAST_THE_TRIAL_DAYS = 15;

/**
 * What the desktop app does between "Start a trial" and its end, with Stripe's time moved where Stripe is the double.
 * @throws StepFailed at the first step whose answer is not the promised one
 */
export async function demonstrateTrial(trace: Trace): Promise<void> {
  const address = newAddress();
  const machine = randomUUID();
  const asked = askedLink(address, machine);

  trace.step("Start a trial: no card, one for each address and machine");
  await trace.ask(`${V2}/create_trial_and_magic_link`, { body: asked.request }, { status: 204 });

  trace.step("Read the trial's own mail");
  const { code, link } = linkIn(trace, await readMail(trace, address), asked);
  trace.require(link.searchParams.get("flow") === "trial", "the link says that it opens a trial");

  trace.step("Redeem its code");
  const redeemed = await trace.ask(
    `${V1}/authenticate_user`,
    { body: redemption(code, asked) },
    { status: 200 },
  );
  const { user_id, access_token } = redeemed.body as Tokens;

  trace.step("How the subscription stands, for the app online and offline");
  const call = { body: { user_id }, bearer: access_token };
  const status = await trace.ask(`${V2}/get_subscription_status`, call, { status: 200 });
  const answer = status.body as { status: string; end_date: string; entitlement: string | null };
  trace.require(answer.status === "trialing", "it is trialing, before any event of Stripe's was needed");
  trace.require(answer.entitlement !== null, "an entitlement lets the app work offline");

  trace.step("A second trial on the same machine is refused");
  const second = askedLink(newAddress(), machine);
  const refused = { status: 409, code: "trial_already_used" };
  await trace.ask(`${V2}/create_trial_and_magic_link`, { body: second.request }, refused);

  const stack = await trace.ask("/dev/status", { verb: "GET" }, { status: 200 });
  if ((stack.body as { stripe: { mode: string } }).stripe.mode !== "double") {
    trace.note("Here is Stripe's own test mode, whose time this can't move: the trial's end is not shown.");
    return;
  }
  await endTrial(trace, address, call);
}

async function endTrial(
  trace: Trace,
  address: string,
  call: { body: object; bearer: string },
): Promise<void> {
  trace.step(`Stripe's time moves ${PAST_THE_TRIAL_DAYS} days: a reminder, then the end`);
  await trace.ask("/dev/stripe/clock", { body: { advance_days: PAST_THE_TRIAL_DAYS } }, { status: 200 });
  const method = `${V2}/get_subscription_status`;
  await trace.until(method, call, 402, { looks: LOOKS, pause: () => wait(BETWEEN_LOOKS_MS) });
  await trace.ask(method, call, { status: 402, code: "no_active_subscription" });
  const { subject } = await readMail(trace, address);
  trace.require(subject === "Your Beak trial ends soon", "the reminder came before the end");
}
