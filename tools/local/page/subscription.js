/** The user's subscription, as Nest's get_subscription_status reports it. */
import { callStack } from "/assets/actions.js";
import { nest } from "/assets/api.js";
import { callDevApi } from "/assets/dev_api.js";
import { device } from "/assets/device.js";
import { byId } from "/assets/dom.js";
import { daysBetween, describeStatus, plural } from "/assets/format.js";
import { decodeJws } from "/assets/jws.js";
import { showPlans } from "/assets/plans.js";
import { startTrial } from "/assets/sign_in.js";

let subscription = null;
let address = null;

async function readStatus() {
  try {
    return await nest.call("get_subscription_status");
  } catch (error) {
    if (error.code === "no_active_subscription") return null;
    throw error;
  }
}

/** Draws the status bar. Its text is a live region, so screen readers announce a change. */
function showStatus({ mark, tone, text }) {
  const description = byId("subscription-text");
  if (description.textContent !== text) description.textContent = text;
  byId("subscription-mark").textContent = mark;
  byId("subscription-mark").className = `mark ${tone}`;
}

/** Draws the status bar of a page without a user. */
export function showSignedOut() {
  subscription = null;
  showStatus({ mark: "Signed out", tone: "over", text: "Sign in, or start a trial." });
  byId("subscription-left").textContent = "";
}

/** Asks the stack whether Nest would give the user's address and this device a trial. */
const mayStartTrial = async () =>
  (await callDevApi("POST", "/trial", { address, device: device() })).verdict === "available";

/** Reads the status and draws it. @param userAddress the email address that trials and subscriptions are created for */
export async function showSubscription(userAddress = address) {
  address = userAddress;
  subscription = await readStatus();
  const isTrialPossible = subscription === null && address !== null && (await mayStartTrial());
  await showPlans(subscription);
  showStatus(describeStatus(subscription));
  byId("subscription-raw").textContent =
    subscription === null
      ? JSON.stringify({ code: "no_active_subscription" }, null, 2)
      : JSON.stringify(subscription, null, 2);
  byId("entitlement").textContent = subscription?.entitlement
    ? JSON.stringify(decodeJws(subscription.entitlement), null, 2)
    : "None. The app can't be used offline.";
  const portal = byId("portal");
  portal.hidden = !subscription?.billing_portal_url;
  if (subscription?.billing_portal_url) portal.href = subscription.billing_portal_url;
  byId("signed-in-trial").hidden = !isTrialPossible;
  byId("no-trial").hidden = subscription !== null || isTrialPossible;
  byId("no-trial").textContent =
    address === null
      ? "A trial needs an email address."
      : "This email address or device already had a trial.";
}

/** Shows the days left by Stripe's clock, which may be ahead of Nest's. */
export function showTimeLeft(stripeNow) {
  byId("subscription-left").textContent =
    subscription === null
      ? "The app asks the user to subscribe."
      : `${plural(daysBetween(stripeNow ?? new Date().toISOString(), subscription.end_date), "day")} left${stripeNow ? " by Stripe's clock" : ""}.`;
}

export function listenForSubscription() {
  for (const choice of document.querySelectorAll("[data-buy]")) {
    const { buy: card } = choice.dataset;
    choice.addEventListener(
      "click",
      () =>
        void callStack(
          () => callDevApi("POST", "/stripe/subscriptions", { email: address, card }),
          ({ status }) => `Stripe created a subscription. Its status is ${status}.`,
        ),
    );
  }
  byId("signed-in-trial").addEventListener("click", () => void startTrial(address));
}
