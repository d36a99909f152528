// The page that a magic link opens. It sends no request, so that a mail scanner that opens the link does not redeem it.
const parameters = new URLSearchParams(location.search);
const code = parameters.get("code");
const state = parameters.get("state");
const flow = parameters.get("flow");
const show = (id) => {
  document.getElementById(id).hidden = false;
};

if (code && state) {
  // Encode again: the app finds its code verifier by the exact state.
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
  show("complete");
  // Wait for the page to load, so that a browser without the app still shows the other ways to sign in.
  window.addEventListener("load", () => location.assign(appUrl), { once: true });
} else {
  show("incomplete");
}
