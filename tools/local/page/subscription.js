/** The user's subscription, as Nest's get_subscription_status reports it. */
import { callStack } from "/assets/actions.js";
import { nest } from "/assets/api.js";
import { callDevApi } from "/assets/dev_api.js";
import { byId } from "/assets/dom.js";
import { daysBetween, describeStatus, plural } from "/assets/format.js";
import { decodeJws } from "/assets/jws.js";
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

/** Reads the status and draws it. Its element is a live region, so screen readers announce a change. */
export async function showSubscription() {
  subscription = await readStatus();
  const { mark, tone, text } = describeStatus(subscription);
  const description = byId("subscription-text");
  if (description.textContent !== text) description.textContent = text;
  byId("subscription-mark").textContent = mark;
  byId("subscription-mark").className = `mark ${tone}`;
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
  byId("signed-in-trial").hidden = subscription !== null;
}

/** Shows the days left by Stripe's clock, which may be ahead of Nest's. */
export function showTimeLeft(stripeNow) {
  byId("subscription-left").textContent =
    subscription === null
      ? "The app asks the user to subscribe."
      : `${plural(daysBetween(stripeNow ?? new Date().toISOString(), subscription.end_date), "day")} left${stripeNow ? " by Stripe's clock" : ""}.`;
}

/** Sets the email address that new subscriptions are created for. */
export function setAddress(next) {
  address = next;
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
