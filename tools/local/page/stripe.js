/** Stripe's side: its time, its subscriptions, its failures. Only the double on this machine can be told what to do. */
import { control } from "/assets/act.js";
import { button, byId, drawList, make } from "/assets/dom.js";
import { askStack } from "/assets/stack.js";
import { money, plural, stripeInWords, time, toneOf } from "/assets/words.js";

const KINDS = { error: "with an error", hang: "without an answer", rate_limited: "as too many requests" };

function actionsOf({ id, customer, cancel_at, owed, price }) {
  const path = `/stripe/subscriptions/${id}`;
  const change = (change, done) => control(() => askStack("PATCH", path, change), done);
  const give = (card, done) =>
    control(() => askStack("POST", `/stripe/customers/${customer.id}/card`, { card }), done);
  const pay = () =>
    control(
      () => askStack("POST", `${path}/pay`),
      ({ outcome }) => `The payment has ${outcome === "paid" ? "gone through" : outcome}.`,
    );
  return [
    owed === null ? null : button(`Pay ${money(owed, price.currency)} now`, "pay", pay),
    button("Add a card that works", "works", () => give("works", "A card that works was added.")),
    button("Add a card that declines", "declines", () => give("declines", "A card that declines was added.")),
    cancel_at === null
      ? button("Cancel at period end", "end", () =>
          change({ cancel_at_period_end: true }, "It ends when its period does."),
        )
      : button("Keep it", "end", () => change({ cancel_at_period_end: false }, "It goes on.")),
    button("Cancel now", "now", () => control(() => askStack("DELETE", path), "It has ended.")),
    button("Billing portal", "portal", () =>
      control(async () => {
        const { url } = await askStack("POST", `/stripe/customers/${customer.id}/portal`);
        location.assign(url);
      }, "The billing portal opens."),
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
    make("p", {}, stripeInWords(subscription)),
    make("p", { class: "quiet small" }, id),
  );
  if (!subscription.is_over) item.append(make("div", { class: "row tight" }, ...actionsOf(subscription)));
  return item;
}

/** @param address whose subscriptions are shown; null for nobody's */
export function showStripe({ now, ahead_seconds, faults, subscriptions }, address) {
  byId("stripe-now").textContent = time(now);
  const days = Math.round(ahead_seconds / 86_400);
  byId("stripe-ahead").textContent = days === 0 ? "real time" : `${plural(days, "day")} ahead`;
  const isFailing = faults.calls > 0;
  byId("fault-state").textContent = isFailing
    ? `The next ${plural(faults.calls, "call")} to Stripe will end ${KINDS[faults.kind]}.`
    : "Stripe answers as it should.";
  byId("fault-state").className = isFailing ? "bad" : "quiet";
  byId("fault-clear").disabled = !isFailing;
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
        void control(
          () => askStack("POST", "/stripe/clock", { advance_days: Number(days) }),
          ({ now }) => `At Stripe it is ${time(now)}.`,
        ),
    );
  }
  byId("fault-form").addEventListener("submit", (event) => {
    event.preventDefault();
    const calls = byId("fault-calls").valueAsNumber;
    void control(
      () => askStack("POST", "/stripe/faults", { calls, kind: byId("fault-kind").value }),
      `The next ${plural(calls, "call")} to Stripe will fail.`,
    );
  });
  byId("fault-clear").addEventListener(
    "click",
    () =>
      void control(() => askStack("POST", "/stripe/faults", { calls: 0 }), "Stripe works again.").then(() =>
        byId("fault-calls").focus(),
      ),
  );
}
