/** What Stripe tells Nest, and what becomes of it. */
import { control } from "/assets/act.js";
import { button, byId, drawList, make, terms } from "/assets/dom.js";
import { askStack } from "/assets/stack.js";
import { deliveriesInWords, time, verdictInWords } from "/assets/words.js";

function eventItem(event) {
  const { id, type, object, created_at, verdict } = event;
  const { text, tone } = verdictInWords(event);
  const send = () =>
    control(
      () => askStack("POST", `/stripe/events/${id}/send`),
      ({ status }) => `It was sent again; Nest answered ${status ?? "nothing"}.`,
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
          make("span", { class: "quiet small" }, deliveriesInWords(event)),
        ),
      ),
      make(
        "dl",
        {},
        ...terms([
          ["Event", id],
          ["About", object ?? "nothing"],
          ["At Stripe", time(created_at)],
          ["In Nest", verdict ? `${text}, attempt ${verdict.attempt}` : "not in the ledger yet"],
        ]),
      ),
      button("Send again", "send", send, { "data-double": true }),
    ),
  );
}

export function showEvents(events) {
  drawList(byId("events"), [...events].reverse(), ({ id }) => id, eventItem);
}

/** Changes whenever Nest has come to a verdict. */
export const verdictsOf = (events) =>
  events.map(({ id, verdict }) => `${id} ${verdict?.status} ${verdict?.attempt}`).join("\n");
