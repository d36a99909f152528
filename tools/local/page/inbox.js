/** The local inboxes: the messages that Nest sent, with links that work on this machine. */

import { codeIn, purposeOf, useCode } from "/assets/codes.js";
import { callDevApi } from "/assets/dev_api.js";
import { button, byId, drawList, make } from "/assets/dom.js";
import { time } from "/assets/format.js";
import { magicLinkIn, mailFrame } from "/assets/mail.js";

const SHOWN = 20;

/** One entry for each kind of message: its path under /dev, the ids of its elements, and how it is drawn and announced. */
const INBOXES = [
  {
    path: "/inbox",
    list: "inbox",
    clear: "empty",
    draw: mailItem,
    announce: ({ subject }) => `New email: ${subject}.`,
  },
  {
    path: "/sms",
    list: "sms",
    clear: "clear-sms",
    draw: smsItem,
    announce: ({ to }) => `New SMS to ${to}.`,
  },
];
const known = new Map();

function mailItem(mail) {
  const { subject, to, sent_at, text } = mail;
  const item = make(
    "li",
    {},
    make(
      "div",
      { class: "mail-head" },
      make("strong", {}, subject),
      make("time", { class: "quiet", datetime: sent_at }, time(sent_at)),
    ),
    make("div", { class: "quiet" }, `To ${to}`),
  );
  const link = magicLinkIn(text);
  if (link) item.append(make("p", { class: "row" }, ...linksTo(link)));
  item.append(...codeActions(mail));
  const details = make("details", {}, make("summary", {}, "Show email"));
  const read = () => details.append(mailFrame(mail), make("pre", {}, text));
  details.addEventListener("toggle", read, { once: true });
  item.append(details);
  return item;
}

/** What a developer can do with a magic link. Only the page that requested it can redeem it. */
function linksTo({ query, page, hasToken }) {
  const newTab = { target: "_blank", rel: "noopener" };
  const own = page ? [make("a", { href: page, ...newTab }, "Open link in your page")] : [];
  const here = make("a", { href: `/#${query}` }, "Use link in this page");
  // Any page of the client may use a token. The landing page is for magic links.
  if (hasToken) return [here, ...own];
  if (page) return own;
  return [here, make("a", { href: `/magic-link?${query}`, ...newTab }, "Open landing page")];
}

/** The button of a message whose code this page requested. */
const codeActions = ({ code, purpose }) =>
  purpose === null
    ? []
    : [
        make(
          "p",
          { class: "row" },
          button(`Use code ${code}`, "code", () => useCode(purpose, code)),
        ),
      ];

/** Adds the purpose of its code to each row, or null. Only the newest code to a recipient works. */
function withCodes(rows) {
  const seen = new Set();
  return rows.reverse().map((row) => {
    const code = codeIn(row);
    const purpose = code === null || seen.has(row.to) ? null : purposeOf(row.to);
    if (code !== null) seen.add(row.to);
    return { ...row, code, purpose };
  });
}

function smsItem(sms) {
  const { to, sender_id, sent_at, text } = sms;
  return make(
    "li",
    {},
    make(
      "div",
      { class: "mail-head" },
      make("strong", {}, to),
      make("time", { class: "quiet", datetime: sent_at }, time(sent_at)),
    ),
    ...(sender_id ? [make("div", { class: "quiet" }, `From ${sender_id}`)] : []),
    ...codeActions(sms),
    // Its summary takes the focus, so that keys scroll the list.
    make("details", { open: "" }, make("summary", {}, "Text"), make("pre", {}, text)),
  );
}

async function showInbox({ path, list, clear, draw, announce }) {
  const messages = await callDevApi("GET", path);
  const rows = messages.map((message, index) => ({ ...message, key: `${index} ${message.sent_at}` }));
  drawList(byId(list), withCodes(rows.slice(-SHOWN)), ({ key }) => key, draw);
  byId(clear).hidden = messages.length === 0;
  const arrived = messages.slice(known.get(path) ?? messages.length);
  known.set(path, messages.length);
  const news = arrived.map(announce).join(" ");
  if (news) byId("arrivals").textContent = news;
}

/** Reads and draws every inbox, and announces new messages to screen readers. */
export async function showInboxes() {
  await Promise.all(INBOXES.map(showInbox));
}

export function listenForInboxes() {
  for (const inbox of INBOXES) {
    byId(inbox.clear).addEventListener("click", async () => {
      await callDevApi("DELETE", inbox.path);
      await showInbox(inbox);
      byId(inbox.list).focus();
    });
  }
}
