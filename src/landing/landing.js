// The page behind a mailed link. It asks no server anything, so opening it spends nothing: mail scanners may.
const asked = new URLSearchParams(location.search);
const code = asked.get("code");
const state = asked.get("state");
const flow = asked.get("flow");
const show = (id) => {
  document.getElementById(id).hidden = false;
};

if (code && state) {
  // Encoded anew, because the app looks its verifier up by the exact state.
  const text = [
    `code=${encodeURIComponent(code)}`,
    `state=${encodeURIComponent(state)}`,
    ...(flow ? [`flow=${encodeURIComponent(flow)}`] : []),
  ].join("&");
  const appUrl = `beak-app://nest/magic-link?${text}`;
  document.getElementById("open").href = appUrl;
  document.getElementById("text").value = text;
  document.getElementById("copy").addEventListener("click", async () => {
    const field = document.getElementById("text");
    field.select();
    await navigator.clipboard.writeText(text).catch(() => document.execCommand("copy"));
    document.getElementById("copied").textContent = "Copied.";
  });
  if (["localhost", "127.0.0.1"].includes(location.hostname)) {
    document.getElementById("local-link").href = `/#${text}`;
    show("local");
  }
  show("good");
  // After the page is there, so that a browser that knows no such app still shows what to do.
  window.addEventListener("load", () => location.assign(appUrl), { once: true });
} else {
  show("bad");
}
