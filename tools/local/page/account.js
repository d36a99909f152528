/** The account of the signed-in user: profile, marketing consent, news and the access token. */
import { callApi } from "/assets/actions.js";
import { showAddresses } from "/assets/addresses.js";
import { client, current, nest } from "/assets/api.js";
import { byId, make, terms } from "/assets/dom.js";
import { time } from "/assets/format.js";
import { decodeJws } from "/assets/jws.js";
import { showPassword } from "/assets/password.js";
import { showSessions } from "/assets/sessions.js";

const CONSENT_TEXT = {
  general: "You allowed marketing emails.",
  none: "You declined marketing emails.",
};

function showToken(tokens) {
  byId("claims").textContent = JSON.stringify(decodeJws(tokens.access_token), null, 2);
  byId("expiry").textContent = `Expires on ${time(tokens.expires_at)}.`;
}

function showConsent(consent) {
  byId("consent").textContent = CONSENT_TEXT[consent?.level] ?? "No choice yet.";
  for (const choice of document.querySelectorAll("[data-level]")) {
    const { level } = choice.dataset;
    choice.setAttribute("aria-pressed", String(consent?.level === level));
    choice.onclick = () => callApi(() => nest.call("set_marketing_consent", { level }), "Choice saved.");
  }
}

/** Reads the rest of a user's account, then draws it. */
export async function showAccount(user) {
  const [sessions, consent, news] = await Promise.all([
    nest.call("list_sessions"),
    nest.call("get_marketing_consent").catch((error) => {
      if (error.code === "awaiting_consent") return null;
      throw error;
    }),
    nest.call("list_news_items"),
  ]);
  byId("user").replaceChildren(
    ...terms([
      ...mainOf(user, "email", "Email address"),
      ...mainOf(user, "phone", "Phone number"),
      ["User", user.id],
      ["Client", client.name],
    ]),
  );
  showAddresses(user.identifiers);
  showSessions(sessions);
  showPassword(user);
  showConsent(consent);
  const items = news.map(({ primary: { payload } }) =>
    make("li", {}, `${payload.emoji} ${payload.title}: ${payload.body}`),
  );
  byId("news").replaceChildren(...items);
  showToken(current());
}

/** The primary identifier of a type, or the first one if none is verified. */
function mainOf({ identifiers }, type, term) {
  const own = identifiers.filter(
    ({ identifier_type, is_pending, removed_at }) =>
      identifier_type === type && !is_pending && removed_at === null,
  );
  const main = own.find(({ is_primary }) => is_primary) ?? own[0];
  return main ? [[term, main.identifier_value]] : [];
}

export function listenForAccount() {
  byId("refresh").addEventListener(
    "click",
    () => void callApi(() => nest.refresh(), "Tokens refreshed. The old access token is no longer valid."),
  );
  byId("sign-out").addEventListener(
    "click",
    () => void callApi(() => nest.signOut(), "You are signed out.").then(() => byId("address").focus()),
  );
}
