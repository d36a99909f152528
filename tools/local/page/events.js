/** The list of Stripe's events, with their deliveries and Nest's verdicts. */
import { callStack } from "/assets/actions.js";
import { callDevApi } from "/assets/dev_api.js";
import { button, byId, drawList, make, terms } from "/assets/dom.js";
import { describeDeliveries, describeVerdict, time } from "/assets/format.js";

const describeLedger = (text, { status, reason, attempt }) =>
  `${text}${status === "ignored" ? ` (${reason})` : ""}, attempt ${attempt}`;

function eventItem(event) {
  const { id, type, object, created_at, verdict } = event;
  const { text, tone } = describeVerdict(event);
  const resend = () =>
    callStack(
      () => callDevApi("POST", `/stripe/events/${id}/send`),
      ({ status }) => `Event resent. ${status ? `Nest returned ${status}` : "Nest did not respond"}.`,
    );
  return make(
    "li",
    {},
    make(
      "details",
      {},
      make(
        "summary",
        {},
        make("span", { class: "type" }, type),
        make(
          "span",
          { class: "below" },
          make("span", { class: `mark ${tone}` }, text),
          " ",
          make("span", { class: "quiet small" }, describeDeliveries(event)),
        ),
      ),
      make(
        "dl",
        {},
        ...terms([
          ["Event", id],
          ["Object", object ?? "none"],
          ["Created", `${time(created_at)}, by Stripe's clock`],
          ["Verdict", verdict ? describeLedger(text, verdict) : "not in Nest's ledger yet"],
        ]),
      ),
      button("Resend", "send", resend, { "data-double": true }),
    ),
  );
}

export function showEvents(events) {
  drawList(byId("events"), [...events].reverse(), ({ id }) => id, eventItem);
}

/** A text that changes whenever a verdict changes. */
export const verdictsOf = (events) =>
  events.map(({ id, verdict }) => `${id} ${verdict?.status} ${verdict?.attempt}`).join("\n");
