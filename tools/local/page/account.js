/** What is known of the person who is signed in. */
import { act } from "/assets/act.js";
import { current, nest } from "/assets/api.js";
import { button, byId, make, terms } from "/assets/dom.js";
import { decodeJws } from "/assets/jws.js";

function showToken(tokens) {
  byId("claims").textContent = JSON.stringify(decodeJws(tokens.access_token), null, 2);
  byId("expiry").textContent = `Good until ${new Date(tokens.expires_at).toLocaleString()}.`;
}

function sessionItem(session) {
  const since = new Date(session.created_at).toLocaleString();
  const item = make(
    "li",
    {},
    `${session.device?.platform ?? "unknown machine"}, ${session.ip}, since ${since} `,
  );
  const revoke = () => nest.call("revoke_session", { session_id: session.id });
  item.append(
    session.current
      ? make("strong", {}, "(this one)")
      : button("End it", session.id, () => act(revoke, "The session has ended."), {
          "aria-label": `End the session since ${since}`,
        }),
  );
  return item;
}

function showConsent(consent) {
  byId("consent").textContent =
    { general: "You said yes.", none: "You said no." }[consent?.level] ?? "You have not said yet.";
  for (const choice of document.querySelectorAll("[data-level]")) {
    const { level } = choice.dataset;
    choice.setAttribute("aria-pressed", String(consent?.level === level));
    choice.onclick = () => act(() => nest.call("set_marketing_consent", { level }), "Noted.");
  }
}

/** Reads everything and then shows it. Answers the user. */
export async function showAccount() {
  const [user, sessions, consent, news] = await Promise.all([
    nest.call("get_user"),
    nest.call("list_sessions"),
    nest.call("get_marketing_consent").catch((error) => {
      if (error.code === "awaiting_consent") return null;
      throw error;
    }),
    nest.call("list_news_items"),
  ]);
  const [identifier] = user.identifiers;
  byId("user").replaceChildren(
    ...terms([
      ["Address", identifier?.identifier_value ?? "none"],
      ["Verified", identifier?.verified_at ? new Date(identifier.verified_at).toLocaleString() : "no"],
      ["User", user.id],
    ]),
  );
  byId("sessions").replaceChildren(...sessions.map(sessionItem));
  showConsent(consent);
  const items = news.map(({ primary: { payload } }) =>
    make("li", {}, `${payload.emoji} ${payload.title}: ${payload.body}`),
  );
  byId("news").replaceChildren(...items);
  showToken(current());
  return user;
}

export function listenForAccount() {
  byId("refresh").addEventListener(
    "click",
    () => void act(() => nest.refresh(), "New tokens; the old access token no longer works."),
  );
  byId("sign-out").addEventListener(
    "click",
    () => void act(() => nest.signOut(), "You are signed out.").then(() => byId("address").focus()),
  );
}
