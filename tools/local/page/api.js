/** The typed client of this page. Each call is shown in the list of API calls. */
import { NestClient, webStore } from "/client.js";

/** By the error code of a response, or by the kind of client error if there is no response. */
const EXPLANATIONS = {
  invalid_email: "Enter a valid email address.",
  rate_limited: "Too many requests. Try again later.",
  email_not_sent: "The email could not be sent. Try again.",
  token_expired: "The link has expired. Request a new link.",
  token_used: "The link was already used. Request a new link.",
  authorization_not_found: "The link or session was revoked. Request a new link.",
  unavailable: "Nest can't reach its database or Stripe. Try again.",
  awaiting_consent: "No choice yet.",
  stripe_error: "The call to Stripe failed. Try again.",
  already_subscribed: "This email address already has a subscription. Sign in instead.",
  trial_already_used:
    "This email address or device already had a trial. Use another address and simulate another device.",
  network: "Nest does not respond. Try again.",
  timeout: "Nest did not respond in time. Try again.",
  signed_out: "You are signed out.",
  refresh_failed: "The tokens could not be refreshed. Try again.",
  unknown_link: "This link was requested in another browser. Request one here.",
};

/** The text of an error, with its code. */
export function explain(error) {
  const why = error.code ?? error.kind;
  return why ? `${EXPLANATIONS[why] ?? "The request failed."} (${why})` : error.message;
}

const shorten = (value) =>
  JSON.stringify(
    value,
    (_key, part) =>
      typeof part === "string" && part.length > 48 ? `${part.slice(0, 20)}…${part.slice(-6)}` : part,
    2,
  );

function record(path, request, status, answer) {
  const item = document.createElement("li");
  const details = document.createElement("details");
  const summary = document.createElement("summary");
  const mark = document.createElement("span");
  mark.className = status < 300 ? "good" : "bad";
  mark.textContent = ` ${status}${answer?.code ? ` ${answer.code}` : ""}`;
  summary.append(path.replace("/1/", ""), mark);
  const text = document.createElement("pre");
  text.textContent = `${shorten(request)}\n\n${answer === undefined ? "(no body)" : shorten(answer)}`;
  details.append(summary, text);
  item.append(details);
  const list = document.getElementById("calls");
  list.prepend(item);
  while (list.children.length > 30) list.lastElementChild.remove();
}

/** `fetch` that also shows each request with its response. */
async function recordedFetch(url, init) {
  const response = await fetch(url, init);
  const text = await response.clone().text();
  record(
    new URL(url).pathname,
    JSON.parse(init.body ?? "null"),
    response.status,
    text === "" ? undefined : JSON.parse(text),
  );
  return response;
}

/** The client of the user of this browser. */
export const nest = new NestClient({
  url: location.origin,
  clientId: "client_000000C2kdCzNlbL1BqR5FeMatItU",
  redirectUri: "https://magic.getbeak.app/",
  store: webStore(localStorage, ""),
  fetch: recordedFetch,
});

/** The tokens of the signed-in user, or null. For display only, because any call may refresh them. */
export const current = () => JSON.parse(localStorage.getItem("tokens") ?? "null");
