/** The sessions of the signed-in user. */
import { callApi } from "/assets/actions.js";
import { nest } from "/assets/api.js";
import { nameOfClient } from "/assets/clients.js";
import { button, byId, drawList, make } from "/assets/dom.js";
import { plural, time } from "/assets/format.js";

/** How a person proved who they are, by the value of `amr`. */
const METHODS = {
  link: "a magic link",
  otp: "a code",
  pwd: "a password",
  sms: "a code by SMS",
  pop: "a passkey",
  fed: "an account at a provider",
  test: "a token for tests",
};
const METHOD_LIST = new Intl.ListFormat("en-GB");

function sessionItem({ id, current, client_id, device, ip, created_at, last_used_at, amr }) {
  const since = time(created_at);
  const where = `${nameOfClient(client_id)}, ${device?.platform ?? "unknown device"}`;
  const revoke = () => callApi(() => nest.revokeSession({ session_id: id }), "Session revoked.");
  const how = METHOD_LIST.format(
    amr.filter((method) => method !== "mfa").map((method) => METHODS[method] ?? method),
  );
  return make(
    "li",
    {},
    make(
      "div",
      { class: "title" },
      make("strong", {}, where),
      current
        ? make("span", { class: "mark good" }, "This session")
        : button("Revoke", id, revoke, { "aria-label": `Revoke the session of ${where}, since ${since}` }),
    ),
    make(
      "p",
      { class: "quiet small" },
      "Since ",
      make("time", { datetime: created_at }, since),
      ` with ${how}, from ${ip}. Last used on ${time(last_used_at)}.`,
    ),
  );
}

/** Draws the first page of `list_sessions`. */
export function showSessions({ items }) {
  drawList(byId("sessions"), items, ({ id }) => id, sessionItem);
  byId("revoke-others").hidden = items.length < 2;
}

export function listenForSessions() {
  byId("revoke-others").addEventListener("click", () => {
    let count = 0;
    const revoke = async () => {
      const { id } = await nest.getUser();
      ({ revoked: count } = await nest.revokeAllSessions({ user_id: id }));
    };
    void callApi(revoke, () => `${plural(count, "session")} revoked.`);
  });
}
