/** Calls to the API, by the typed client, each shown in the list of calls. */
import { NestClient, webStore } from "/client.js";

/** By the code of an answer, or the kind of failure where there is none. */
const EXPLANATIONS = {
  invalid_email: "Enter a valid mail address.",
  rate_limited: "Too many requests for now. Try again later.",
  email_not_sent: "The mail could not be sent. Ask again.",
  token_expired: "The link has expired. Ask for a new one.",
  token_used: "The link was used before. Ask for a new one.",
  authorization_not_found: "The link or session has ended. Ask for a new link.",
  unavailable: "A part of the stack is not reachable. Try again.",
  awaiting_consent: "No choice yet.",
  stripe_error: "Stripe failed. Try again.",
  already_subscribed: "This address has a subscription. Sign in instead.",
  trial_already_used:
    "This address or this machine has had its trial. Try another address, as another machine.",
  network: "Nest does not answer. Try again.",
  timeout: "Nest did not answer in time. Try again.",
  signed_out: "You are signed out.",
  refresh_failed: "New tokens can't be had now. Try again.",
  unknown_link: "This link was asked for elsewhere. Ask for one here.",
};

/** An error in a person's words. */
export function explain(error) {
  const why = error.code ?? error.kind;
  return why ? `${EXPLANATIONS[why] ?? "That did not work."} (${why})` : error.message;
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

/** `fetch`, whose answers are shown. */
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

/** The person of this browser. */
export const nest = new NestClient({
  url: location.origin,
  clientId: "client_000000C2kdCzNlbL1BqR5FeMatItU",
  redirectUri: "https://magic.getbeak.app/",
  store: webStore(localStorage, ""),
  fetch: recordedFetch,
});

/** The tokens of whoever is signed in, or null: for showing. Calls replace them at any time. */
export const current = () => JSON.parse(localStorage.getItem("tokens") ?? "null");
