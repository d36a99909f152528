/** The audit trail of the signed-in user: what Nest recorded, and the events that it has not moved to the log yet. */
import { nameOfClient } from "/assets/clients.js";
import { callDevApi } from "/assets/dev_api.js";
import { byId, drawList, make, terms } from "/assets/dom.js";
import { time } from "/assets/format.js";

const PENDING =
  "The event is on the changed document. The job move_events moves it to the log within a minute.";

const named = ({ type, id }) => (id === null ? type : `${type} ${id}`);

function markOf({ outcome, error_code, is_pending }) {
  if (outcome === "failure") return make("span", { class: "mark bad" }, `Refused: ${error_code}`);
  return is_pending
    ? make("span", { class: "mark warn" }, "Pending")
    : make("span", { class: "mark good" }, "In the log");
}

function auditItem(row) {
  const { id, at, action, actor, target, data, is_pending, client_id, session_id, request_id, ip } = row;
  const facts = [
    ["Actor", named(actor)],
    ["Target", named(target)],
    ...Object.entries(data).map(([name, value]) => [name, value ?? "none"]),
    ["Client", client_id && nameOfClient(client_id)],
    ["Session", session_id],
    ["IP address", ip],
    ["Request", request_id],
    ["Row", id],
  ];
  return make(
    "li",
    {},
    make(
      "details",
      {},
      make(
        "summary",
        {},
        make("span", { class: "type" }, action),
        make(
          "span",
          { class: "below" },
          markOf(row),
          " ",
          make("time", { class: "quiet small", datetime: at }, time(at)),
        ),
      ),
      make("dl", {}, ...terms(facts.filter(([, value]) => value !== null))),
      ...(is_pending ? [make("p", { class: "quiet small" }, PENDING)] : []),
    ),
  );
}

let shownFor = null;

/** Reads and draws the rows of a user. @param userId null if no user is signed in */
export async function showAudit(userId) {
  shownFor = userId;
  const { items } = userId ? await callDevApi("GET", `/users/${userId}/audit`) : { items: [] };
  // Meanwhile the user may have signed out.
  if (shownFor === userId) drawList(byId("audit"), items, ({ id }) => id, auditItem);
}
