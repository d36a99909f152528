import { showAccount } from "/assets/account.js";
import { call } from "/assets/api.js";
import { showInbox } from "/assets/inbox.js";
import { beginLink, device, forgetLink, verifierOf } from "/assets/pkce.js";

const CLIENT = "client_000000C2kdCzNlbL1BqR5FeMatItU";
const REDIRECT = "https://magic.getbeak.app/";
const byId = (id) => document.getElementById(id);
let tokens = JSON.parse(localStorage.getItem("tokens") ?? "null");

const say = (text, isBad = false) => {
  byId("message").textContent = text;
  byId("message").className = isBad ? "bad" : "";
};

function keep(next) {
  tokens = next;
  if (next) localStorage.setItem("tokens", JSON.stringify(next));
  else localStorage.removeItem("tokens");
}

async function show() {
  byId("signed-out").hidden = tokens !== null;
  byId("signed-in").hidden = tokens === null;
  if (tokens) await showAccount(() => tokens, act);
}

/** Answers to a refresh after which no other can succeed. Anything else, such as a lost network, may pass. */
const SIGNED_OUT = ["authorization_not_found", "not_found", "token_expired", "token_used", "unauthorized"];

async function refresh() {
  const grant = { client_id: CLIENT, grant_type: "refresh_token", refresh_token: tokens.refresh_token };
  try {
    keep(await call("2020-12-14", "authenticate_user", grant));
  } catch (error) {
    if (SIGNED_OUT.includes(error.code)) keep(null);
    throw error;
  }
}

/** Runs something; if the bearer is no longer good, it is refreshed once and the same is run again. */
async function withBearer(work) {
  try {
    await work();
  } catch (error) {
    if (error.code !== "unauthorized" || !tokens) throw error;
    await refresh();
    await work();
  }
}

/** Runs something, shows all again, and says how it went. */
async function act(work, done) {
  const wasSignedIn = tokens !== null;
  try {
    await withBearer(work);
    await withBearer(show);
    say(done);
  } catch (error) {
    const isOver = wasSignedIn && !tokens;
    if (isOver) await show();
    say(isOver ? "You are signed out." : error.message, true);
  }
}

async function redeem(text) {
  const asked = new URLSearchParams(text);
  const state = asked.get("state") ?? "";
  const code_verifier = verifierOf(state);
  if (!code_verifier) {
    say("This link was asked for elsewhere. Ask for one here.", true);
    return;
  }
  await act(async () => {
    const grant = { client_id: CLIENT, grant_type: "authorization_code", redirect_uri: REDIRECT };
    keep(
      await call("2020-12-14", "authenticate_user", {
        ...grant,
        code: asked.get("code") ?? "",
        code_verifier,
      }),
    );
    forgetLink(state);
  }, "You are signed in.");
  if (tokens) byId("account-title").focus();
}

byId("link-form").addEventListener("submit", (event) => {
  event.preventDefault();
  const address = byId("address").value;
  void act(async () => {
    const { state, challenge } = await beginLink();
    await call("2020-12-14", "send_magic_link", {
      client_id: CLIENT,
      redirect_uri: REDIRECT,
      state,
      code_challenge_method: "S256",
      code_challenge: challenge,
      identifier_type: "email",
      identifier_value: address,
      device: device(),
    });
    await showInbox();
  }, "The link is in the inbox.");
});

byId("paste-form").addEventListener("submit", (event) => {
  event.preventDefault();
  void redeem(byId("pasted").value.trim());
});

byId("refresh").addEventListener(
  "click",
  () => void act(refresh, "New tokens; the old access token no longer works."),
);

byId("sign-out").addEventListener(
  "click",
  () =>
    void act(async () => {
      await call("2021-10-06", "revoke_token", { client_id: CLIENT, refresh_token: tokens.refresh_token });
      keep(null);
      byId("address").focus();
    }, "You are signed out."),
);

function followHash() {
  const text = location.hash.slice(1);
  if (!text.includes("code=")) return;
  history.replaceState(null, "", "/");
  void redeem(text);
}
window.addEventListener("hashchange", followHash);

const status = await (await fetch("/dev/status")).json();
byId("engine").textContent = `${status.database.engine} ${status.database.version}`;
await showInbox();
setInterval(() => void showInbox().catch(() => undefined), 1500);
if (tokens) await act(async () => undefined, "");
followHash();
