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
  if (tokens) await showAccount(tokens, act);
}

const refresh = async () =>
  keep(
    await call("2020-12-14", "authenticate_user", {
      client_id: CLIENT,
      grant_type: "refresh_token",
      refresh_token: tokens.refresh_token,
    }),
  );

/** Runs something, shows all again, and says how it went. A bearer that is no longer good is refreshed once. */
async function act(work, done) {
  try {
    await work();
    await show();
    say(done);
  } catch (error) {
    if (error.code === "unauthorized" && tokens) {
      await refresh().catch(() => keep(null));
      await show().catch(() => undefined);
      say(tokens ? "Your access token had ended and was refreshed." : "You are signed out.", !tokens);
      return;
    }
    say(error.message, true);
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
