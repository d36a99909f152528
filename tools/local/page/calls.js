/** The list of the calls that this page made to the API. */
import { withCaptcha } from "/assets/captcha.js";

const shorten = (value) =>
  JSON.stringify(
    value,
    (_key, part) =>
      typeof part === "string" && part.length > 48 ? `${part.slice(0, 20)}…${part.slice(-6)}` : part,
    2,
  );

function show(path, request, status, answer) {
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

/** `fetch` that shows each request with its response, and passes the CAPTCHA of a client that requires one. */
export const recordedFetch = (url, init) => withCaptcha(record, url, init);

async function record(url, init) {
  const response = await fetch(url, init);
  const text = await response.clone().text();
  show(
    new URL(url).pathname,
    JSON.parse(init.body ?? "null"),
    response.status,
    text === "" ? undefined : JSON.parse(text),
  );
  return response;
}
