/** The local inbox: the emails that Nest sent, with links that open on this machine. */
import { callDevApi } from "/assets/dev_api.js";
import { byId, drawList, make } from "/assets/dom.js";

const SHOWN = 20;
let known = null;

function mailItem({ subject, to, sent_at, text, html }) {
  const item = make(
    "li",
    {},
    make(
      "div",
      { class: "mail-head" },
      make("strong", {}, subject),
      make("span", { class: "quiet" }, new Date(sent_at).toLocaleTimeString()),
    ),
    make("div", { class: "quiet" }, `To ${to}`),
  );
  const link = text.split("\n").find((line) => line.startsWith("https://magic."));
  if (link) {
    const { search } = new URL(link);
    item.append(
      make(
        "p",
        { class: "row" },
        make("a", { href: `/#${search.slice(1)}` }, "Use link in this page"),
        make("a", { href: `/magic-link${search}`, target: "_blank", rel: "noopener" }, "Open landing page"),
      ),
    );
  }
  const details = make("details", {}, make("summary", {}, "Show email"));
  const read = () => {
    const frame = make("iframe", { title: subject, sandbox: "" });
    frame.srcdoc = html;
    details.append(frame, make("pre", {}, text));
  };
  details.addEventListener("toggle", read, { once: true });
  item.append(details);
  return item;
}

/** Reads the inbox, draws it, and announces new emails to screen readers. */
export async function showInbox() {
  const mails = await callDevApi("GET", "/inbox");
  const rows = mails.map((mail, index) => ({ ...mail, key: `${index} ${mail.sent_at}` }));
  drawList(byId("inbox"), rows.slice(-SHOWN).reverse(), ({ key }) => key, mailItem);
  const arrived = known === null ? [] : mails.slice(known);
  known = mails.length;
  const news = arrived.map(({ subject }) => `New email: ${subject}.`).join(" ");
  if (news) byId("arrivals").textContent = news;
}

export function listenForInbox() {
  byId("empty").addEventListener("click", async () => {
    await callDevApi("DELETE", "/inbox");
    await showInbox();
  });
}
