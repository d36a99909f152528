/** What is known of the person who is signed in. */
import { call } from "/assets/api.js";

const byId = (id) => document.getElementById(id);
const line = (name, text) => {
  const item = document.createElement(name);
  item.textContent = text;
  return item;
};
const decode = (part) =>
  JSON.parse(
    new TextDecoder().decode(
      Uint8Array.from(atob(part.replaceAll("-", "+").replaceAll("_", "/")), (c) => c.charCodeAt(0)),
    ),
  );

function showToken(tokens) {
  const [header, claims] = tokens.access_token.split(".").slice(0, 2).map(decode);
  byId("claims").textContent = JSON.stringify({ header, claims }, null, 2);
  byId("expiry").textContent = `Good until ${new Date(tokens.expires_at).toLocaleString()}.`;
}

function sessionItem(session, revoke) {
  const item = line(
    "li",
    `${session.device?.platform ?? "unknown machine"}, ${session.ip}, since ${new Date(session.created_at).toLocaleString()}`,
  );
  if (session.current) {
    item.append(" ", line("strong", "(this one)"));
    return item;
  }
  const end = line("button", "End it");
  end.type = "button";
  end.className = "second";
  end.setAttribute("aria-label", `End the session since ${new Date(session.created_at).toLocaleString()}`);
  end.addEventListener("click", () => revoke(session.id));
  item.append(" ", end);
  return item;
}

/**
 * Reads and shows everything. `current` answers the tokens, which a refresh replaces at any time; `act` runs a change and
 * then shows all again.
 */
export async function showAccount(current, act) {
  const { user_id, client_id } = current();
  const own = (version, method, rest = {}) =>
    call(version, method, { user_id, ...rest }, current().access_token);
  showToken(current());
  const [user, sessions, consent, news] = await Promise.all([
    own("2021-10-06", "get_user"),
    own("2021-10-06", "list_sessions"),
    own("2020-12-14", "get_marketing_consent").catch((error) => {
      if (error.code === "awaiting_consent") return null;
      throw error;
    }),
    call("2020-12-14", "list_news_items", { client_id }, current().access_token),
  ]);
  const [identifier] = user.identifiers;
  byId("user").replaceChildren(
    ...[
      ["Address", identifier?.identifier_value ?? "none"],
      ["Verified", identifier?.verified_at ? new Date(identifier.verified_at).toLocaleString() : "no"],
      ["User", user.id],
    ].flatMap(([term, value]) => [line("dt", term), line("dd", value)]),
  );
  const revoke = (session_id) =>
    act(() => own("2021-10-06", "revoke_session", { session_id }), "The session has ended.");
  byId("sessions").replaceChildren(...sessions.map((session) => sessionItem(session, revoke)));
  byId("consent").textContent =
    { general: "You said yes.", none: "You said no." }[consent?.level] ?? "You have not said yet.";
  for (const button of document.querySelectorAll("[data-level]")) {
    const { level } = button.dataset;
    button.setAttribute("aria-pressed", String(consent?.level === level));
    button.onclick = () => act(() => own("2020-12-14", "set_marketing_consent", { level }), "Noted.");
  }
  const items = news.map(({ primary: { payload } }) =>
    line("li", `${payload.emoji} ${payload.title}: ${payload.body}`),
  );
  byId("news").replaceChildren(...(items.length > 0 ? items : [line("li", "No news.")]));
}
