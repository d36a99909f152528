/** Controls of the Stripe double: its clock, its faults and the user's subscriptions. Not shown with a real Stripe account. */
import { callStack } from "/assets/actions.js";
import { callDevApi } from "/assets/dev_api.js";
import { button, byId, drawList, make } from "/assets/dom.js";
import { listenForSubmit } from "/assets/fields.js";
import { describeSubscription, money, plural, time, toneOf } from "/assets/format.js";

const FAULTS = { error: "a server error", hang: "a timeout", rate_limited: "too many requests" };

function actionsOf({ id, customer, cancel_at, owed, refundable, price }) {
  const path = `/stripe/subscriptions/${id}`;
  const change = (change, success) => callStack(() => callDevApi("PATCH", path, change), success);
  const addCard = (card, success) =>
    callStack(() => callDevApi("POST", `/stripe/customers/${customer.id}/card`, { card }), success);
  const pay = () =>
    callStack(
      () => callDevApi("POST", `${path}/pay`),
      ({ outcome }) => `Payment ${outcome === "paid" ? "succeeded" : outcome}.`,
    );
  const refund = () =>
    callStack(
      () => callDevApi("POST", `/stripe/customers/${customer.id}/refund`),
      ({ amount, currency }) => `Refunded ${money(amount, currency)}.`,
    );
  return [
    owed === null ? null : button(`Pay ${money(owed, price.currency)} now`, "pay", pay),
    button("Add working card", "works", () => addCard("works", "Working card added.")),
    button("Add declining card", "declines", () => addCard("declines", "Declining card added.")),
    refundable === null ? null : button("Refund last payment", "refund", refund),
    cancel_at === null
      ? button("Cancel at period end", "end", () =>
          change({ cancel_at_period_end: true }, "The subscription will end with its period."),
        )
      : button("Undo cancellation", "end", () =>
          change({ cancel_at_period_end: false }, "Cancellation undone."),
        ),
    button("Cancel now", "now", () => callStack(() => callDevApi("DELETE", path), "Subscription canceled.")),
    button("Open billing portal", "portal", () =>
      callStack(async () => {
        const { url } = await callDevApi("POST", `/stripe/customers/${customer.id}/portal`);
        location.assign(url);
      }, "Opening the billing portal."),
    ),
  ].filter((action) => action !== null);
}

function subscriptionItem(subscription) {
  const { id, status, price } = subscription;
  const item = make(
    "li",
    {},
    make(
      "div",
      { class: "title" },
      make("strong", {}, `${money(price.amount, price.currency)} a ${price.interval}`),
      make("span", { class: `mark ${toneOf(status)}` }, status.replaceAll("_", " ")),
    ),
    make("p", {}, describeSubscription(subscription)),
    make("p", { class: "quiet small" }, id),
  );
  if (!subscription.is_over) item.append(make("div", { class: "row tight" }, ...actionsOf(subscription)));
  return item;
}

/** @param address the email address of the user whose subscriptions are shown; null shows none */
export function showStripe({ now, ahead_seconds, faults, subscriptions }, address) {
  byId("stripe-now").textContent = time(now);
  const days = Math.round(ahead_seconds / 86_400);
  byId("stripe-ahead").textContent =
    days === 0 ? "same as this machine's clock" : `${plural(days, "day")} ahead`;
  const isFailing = faults.calls > 0;
  byId("fault-state").textContent = isFailing
    ? `The next ${plural(faults.calls, "call")} to Stripe will fail with ${FAULTS[faults.kind]}.`
    : "No faults set.";
  byId("fault-state").className = isFailing ? "bad" : "quiet";
  byId("fault-clear").hidden = !isFailing;
  byId("sell").hidden = address === null;
  const own = subscriptions.filter(
    ({ customer }) => address !== null && customer.email?.toLowerCase() === address.toLowerCase(),
  );
  drawList(byId("stripe-subscriptions"), own.reverse(), ({ id }) => id, subscriptionItem);
}

export function listenForStripe() {
  for (const choice of document.querySelectorAll("[data-days]")) {
    const { days } = choice.dataset;
    choice.addEventListener(
      "click",
      () =>
        void callStack(
          () => callDevApi("POST", "/stripe/clock", { advance_days: Number(days) }),
          ({ now }) => `Stripe's clock is now ${time(now)}.`,
        ),
    );
  }
  listenForSubmit(
    byId("fault-form"),
    () => "Enter a whole number from 1 to 1000.",
    () => {
      const calls = byId("fault-calls").valueAsNumber;
      void callStack(
        () => callDevApi("POST", "/stripe/faults", { calls, kind: byId("fault-kind").value }),
        `Fault set for the next ${plural(calls, "call")} to Stripe.`,
      );
    },
  );
  byId("fault-clear").addEventListener(
    "click",
    () =>
      void callStack(() => callDevApi("POST", "/stripe/faults", { calls: 0 }), "Faults cleared.").then(() =>
        byId("fault-calls").focus(),
      ),
  );
}
