/** Text for what the timeline shows. */
import { money, STATUS_TEXT, time } from "/assets/format.js";

const EVENTS = {
  created: "Subscription created",
  deleted: "Subscription ended",
  paused: "Subscription paused",
  resumed: "Subscription resumed",
  trial_will_end: "Trial ends soon",
};

export const priceText = ({ amount, currency, interval }) => `${money(amount, currency)} a ${interval}`;

/** Describes a moment, without its time. */
export function describeMoment(moment) {
  switch (moment.kind) {
    case "email":
      return `Email: ${moment.subject}`;
    case "payment":
      return `Payment of ${money(moment.amount, moment.currency)}${moment.is_paid ? "" : " declined"}`;
    case "refund":
      return moment.to === "card"
        ? `Refund of ${money(moment.amount, moment.currency)}`
        : `Credit of ${money(moment.amount, moment.currency)} to the customer's balance`;
    default:
      return describeEvent(moment);
  }
}

function describeEvent({ type, status, changed }) {
  const text = EVENTS[type.replace("customer.subscription.", "")];
  if (text) return text;
  const state = STATUS_TEXT[status] ?? status;
  if (changed.includes("status")) return `Subscription is now: ${state}`;
  if (changed.includes("plan")) return "Plan changed";
  if (changed.includes("period")) return "Next period started";
  if (changed.some((field) => field.startsWith("cancel_at"))) return "Cancellation changed";
  return `Subscription updated (${changed.join(", ").replaceAll("_", " ")})`;
}

/** Describes a span: product, price, status and end. */
export function describeSpan({ status, price, from, to }, { product, until }) {
  const name = `${product}, ${priceText(price)}: ${STATUS_TEXT[status] ?? status}`;
  if (to !== null) return `${name} until ${time(to)}`;
  return until === null ? `${name} since ${time(from)}` : `${name} until ${time(until)}, unless it changes`;
}

/** A text as a sentence. A subject of an email may end with its own punctuation. */
export const sentence = (text) => (/[.!?]$/.test(text) ? text : `${text}.`);

/** The timeline as rows of text, oldest first. */
export function timelineRows({ subscriptions, moments }) {
  const spans = subscriptions.flatMap((life) =>
    life.spans.map((span, index) => ({
      // Two statuses can begin in the same second.
      id: `${life.id} ${index}`,
      at: span.from,
      text: describeSpan(span, life),
    })),
  );
  const points = moments.map((moment) => ({ id: moment.id, at: moment.at, text: describeMoment(moment) }));
  return [...spans, ...points].sort((one, other) => Date.parse(one.at) - Date.parse(other.at));
}
