/** Calls to the API, each shown in the list of calls. */
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
};

export class ApiError extends Error {
  constructor(code, status) {
    super(`${EXPLANATIONS[code] ?? "That did not work."} (${code})`);
    this.code = code;
    this.status = status;
  }
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

/** Calls a method. Throws ApiError for anything but 2xx. */
export async function call(version, method, request, bearer) {
  const path = `/1/${version}/${method}`;
  const headers = {
    "content-type": "application/json",
    ...(bearer ? { authorization: `bearer ${bearer}` } : {}),
  };
  const response = await fetch(path, { method: "POST", headers, body: JSON.stringify(request) });
  const text = await response.text();
  const answer = text === "" ? undefined : JSON.parse(text);
  record(path, request, response.status, answer);
  if (!response.ok) throw new ApiError(answer?.code ?? "unknown", response.status);
  return answer;
}
