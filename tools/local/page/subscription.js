/** The subscription as Nest answers it. */
import { control } from "/assets/act.js";
import { nest } from "/assets/api.js";
import { byId } from "/assets/dom.js";
import { decodeJws } from "/assets/jws.js";
import { startTrial } from "/assets/sign_in.js";
import { askStack } from "/assets/stack.js";
import { daysBetween, plural, subscriptionInWords } from "/assets/words.js";

let answer = null;
let address = null;

async function readStatus() {
  try {
    return await nest.call("get_subscription_status");
  } catch (error) {
    if (error.code === "no_active_subscription") return null;
    throw error;
  }
}

/** Asks for the status and shows it. A change is announced, because it happens in a live region. */
export async function showSubscription() {
  answer = await readStatus();
  const { mark, tone, words } = subscriptionInWords(answer);
  const said = byId("subscription-words");
  if (said.textContent !== words) said.textContent = words;
  byId("subscription-mark").textContent = mark;
  byId("subscription-mark").className = `mark ${tone}`;
  byId("subscription-raw").textContent =
    answer === null
      ? JSON.stringify({ code: "no_active_subscription" }, null, 2)
      : JSON.stringify(answer, null, 2);
  byId("entitlement").textContent = answer?.entitlement
    ? JSON.stringify(decodeJws(answer.entitlement), null, 2)
    : "None: nothing lets the app work offline.";
  const portal = byId("portal");
  portal.hidden = !answer?.billing_portal_url;
  if (answer?.billing_portal_url) portal.href = answer.billing_portal_url;
  byId("signed-in-trial").hidden = answer !== null;
}

/** Says how much is left, by Stripe's clock, which may be ahead of Nest's. */
export function showTimeLeft(stripeNow) {
  byId("subscription-left").textContent =
    answer === null
      ? "The app asks this person to subscribe."
      : `${plural(daysBetween(stripeNow ?? new Date().toISOString(), answer.end_date), "day")} left${stripeNow ? " by Stripe's clock" : ""}.`;
}

/** Whose subscription it is. */
export function setAddress(next) {
  address = next;
}

export function listenForSubscription() {
  for (const choice of document.querySelectorAll("[data-buy]")) {
    const { buy: card } = choice.dataset;
    choice.addEventListener(
      "click",
      () =>
        void control(
          () => askStack("POST", "/stripe/subscriptions", { email: address, card }),
          ({ status }) => `Stripe has a new subscription: ${status}.`,
        ),
    );
  }
  byId("signed-in-trial").addEventListener("click", () => void startTrial(address));
}
