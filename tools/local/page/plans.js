/** The app's plans: buy one on Stripe's checkout page, or change to another. */
import { callApi } from "/assets/actions.js";
import { client, nest } from "/assets/api.js";
import { button, byId, drawList, make } from "/assets/dom.js";
import { money } from "/assets/format.js";
import { showMessage } from "/assets/message.js";

/** The fragments of the URLs to which Stripe's checkout page returns, and the message for each. */
const RETURNS = {
  "#paid": "Stripe took the payment. The subscription is active once Nest has processed Stripe's event.",
  "#not-paid": "You left the checkout. Nothing was charged.",
};
const known = new Map();

/** The plans of the client. They are read once, since names depend on the client's language. */
async function readPlans() {
  if (!known.has(client.id)) known.set(client.id, await nest.call("list_plans"));
  return known.get(client.id);
}

const buy = ({ id }) =>
  callApi(async () => {
    const [paid, notPaid] = Object.keys(RETURNS).map((fragment) => `${location.origin}/${fragment}`);
    const order = { plan: id, success_url: paid, cancel_url: notPaid };
    const { url } = await nest.call("create_checkout_session", order);
    location.assign(url);
  }, "Opening the checkout.");

const change = ({ id, name }) =>
  callApi(() => nest.call("change_plan", { plan: id }), `The plan is now ${name}.`);

/** What the user can do about a plan now. A control that Nest would refuse is not shown. */
function offerOf({ id }, subscription) {
  if (subscription?.status === "past_due") return "none";
  const renews = subscription?.status === "active" && subscription.cancel_at === null;
  if (!renews || subscription.plan === null) return "buy";
  return subscription.plan === id ? "none" : "change";
}

function planItem(plan) {
  const { name, interval, currency, unit_amount, features, isOwn, offer } = plan;
  const action = make("div", { class: "plan-action" });
  if (offer === "buy") action.append(button(`Buy ${name}`, "buy", () => buy(plan)));
  if (offer === "change") action.append(button(`Change to ${name}`, "change", () => change(plan)));
  return make(
    "li",
    {},
    make(
      "div",
      { class: "title" },
      make("strong", {}, name),
      ...(isOwn ? [make("span", { class: "mark good" }, "Your plan")] : []),
    ),
    make("p", {}, `${money(unit_amount, currency)} a ${interval}`),
    make("p", { class: "quiet small" }, features.join(", ").replaceAll("_", " ")),
    action,
  );
}

/** Draws the plans for a response of `get_subscription_status`, or null. */
export async function showPlans(subscription) {
  const rows = (await readPlans()).map((plan) => ({
    ...plan,
    isOwn: subscription?.plan === plan.id,
    offer: offerOf(plan, subscription),
  }));
  drawList(byId("plans"), rows, ({ id }) => id, planItem);
  byId("plans-due").hidden = subscription?.status !== "past_due";
}

/** Shows the outcome of a checkout, if the checkout page returned here, and removes it from the URL. */
export function followCheckout() {
  const message = RETURNS[location.hash];
  if (!message) return;
  history.replaceState(null, "", "/");
  showMessage(message);
}
