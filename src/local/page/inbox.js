/** The local inbox: mails as they would have gone out, with the link led to this machine's landing page. */
const list = document.getElementById("inbox");
let shown = -1;

const element = (name, text, attributes = {}) => {
  const made = document.createElement(name);
  if (text !== undefined) made.textContent = text;
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  return made;
};

function mailItem(mail) {
  const item = element("li");
  const head = element("div", undefined, { class: "mail-head" });
  head.append(
    element("strong", mail.subject),
    element("span", new Date(mail.sent_at).toLocaleTimeString(), { class: "quiet" }),
  );
  item.append(head, element("div", `To ${mail.to}`, { class: "quiet" }));
  const link = mail.text.split("\n").find((line) => line.startsWith("https://"));
  if (link) {
    const { search } = new URL(link);
    const row = element("p", undefined, { class: "row" });
    row.append(
      element("a", "Follow the link here", { href: `/#${search.slice(1)}` }),
      element("a", "Open its landing page", {
        href: `/magic-link${search}`,
        target: "_blank",
        rel: "noopener",
      }),
    );
    item.append(row);
  }
  const details = element("details");
  details.append(element("summary", "Read the mail"));
  details.addEventListener(
    "toggle",
    () => {
      const frame = element("iframe", undefined, { title: mail.subject, sandbox: "" });
      frame.srcdoc = mail.html;
      details.append(frame, element("pre", mail.text));
    },
    { once: true },
  );
  item.append(details);
  return item;
}

/** Reads the inbox and shows it, if it changed. */
export async function showInbox() {
  const mails = await (await fetch("/dev/inbox")).json();
  if (mails.length === shown) return;
  shown = mails.length;
  const items = mails.slice(-20).reverse().map(mailItem);
  list.replaceChildren(...(items.length > 0 ? items : [element("li", "No mail yet.", { class: "quiet" })]));
}

document.getElementById("empty").addEventListener("click", async () => {
  await fetch("/dev/inbox", { method: "DELETE" });
  await showInbox();
});
