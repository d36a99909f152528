/** The local inbox: mails as they would have gone out, with the link led to this machine's landing page. */
import { byId, drawList, make } from "/assets/dom.js";
import { askStack } from "/assets/stack.js";

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
        make("a", { href: `/#${search.slice(1)}` }, "Follow the link here"),
        make(
          "a",
          { href: `/magic-link${search}`, target: "_blank", rel: "noopener" },
          "Open its landing page",
        ),
      ),
    );
  }
  const details = make("details", {}, make("summary", {}, "Read the mail"));
  const read = () => {
    const frame = make("iframe", { title: subject, sandbox: "" });
    frame.srcdoc = html;
    details.append(frame, make("pre", {}, text));
  };
  details.addEventListener("toggle", read, { once: true });
  item.append(details);
  return item;
}

/** Reads the inbox and shows it. What has arrived since is announced. */
export async function showInbox() {
  const mails = await askStack("GET", "/inbox");
  const rows = mails.map((mail, index) => ({ ...mail, key: `${index} ${mail.sent_at}` }));
  drawList(byId("inbox"), rows.slice(-SHOWN).reverse(), ({ key }) => key, mailItem);
  const arrived = known === null ? [] : mails.slice(known);
  known = mails.length;
  const news = arrived.map(({ subject }) => `New mail: ${subject}.`).join(" ");
  if (news) byId("arrivals").textContent = news;
}

export function listenForInbox() {
  byId("empty").addEventListener("click", async () => {
    await askStack("DELETE", "/inbox");
    await showInbox();
  });
}
