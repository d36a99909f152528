/** The ways in: a link, a trial's link, a pasted code. */
import { act, say } from "/assets/act.js";
import { call } from "/assets/api.js";
import { byId, terms } from "/assets/dom.js";
import { beginLink, changeMachine, device, forgetLink, verifierOf } from "/assets/pkce.js";
import { CLIENT, current, keep } from "/assets/session.js";

const REDIRECT = "https://magic.getbeak.app/";

async function askForLink(version, method, address) {
  const { state, challenge } = await beginLink();
  await call(version, method, {
    client_id: CLIENT,
    redirect_uri: REDIRECT,
    state,
    code_challenge_method: "S256",
    code_challenge: challenge,
    identifier_type: "email",
    identifier_value: address,
    device: device(),
  });
}

/** Starts a trial as the app does. Its link comes by mail. */
export const startTrial = (address) =>
  act(
    () => askForLink("2021-10-06", "create_trial_and_magic_link", address),
    "Your trial is ready: follow its link in the inbox.",
  );

async function redeem(text) {
  const asked = new URLSearchParams(text);
  const state = asked.get("state") ?? "";
  const code_verifier = verifierOf(state);
  if (!code_verifier) {
    say("This link was asked for elsewhere. Ask for one here.", true);
    return;
  }
  const grant = { client_id: CLIENT, grant_type: "authorization_code", redirect_uri: REDIRECT };
  await act(
    async () => {
      const code = asked.get("code") ?? "";
      keep(await call("2020-12-14", "authenticate_user", { ...grant, code, code_verifier }));
      forgetLink(state);
    },
    asked.get("flow") === "trial" ? "You are signed in. Your trial has begun." : "You are signed in.",
  );
  if (current()) byId("account-title").focus();
}

/** Redeems the code in the page's address, if there is one, and takes it out of there. */
export async function followHash() {
  const text = location.hash.slice(1);
  if (!text.includes("code=")) return;
  history.replaceState(null, "", "/");
  await redeem(text);
}

function showMachine() {
  const { platform, beak_id, fingerprint } = device();
  byId("machine").replaceChildren(
    ...terms([
      ["Platform", platform],
      ["Beak id", beak_id],
      ["Fingerprint", fingerprint],
    ]),
  );
}

export function listenForSignIn() {
  byId("link-form").addEventListener("submit", (event) => {
    event.preventDefault();
    const address = byId("address").value;
    if (event.submitter?.id === "start-trial") void startTrial(address);
    else void act(() => askForLink("2020-12-14", "send_magic_link", address), "The link is in the inbox.");
  });
  byId("paste-form").addEventListener("submit", (event) => {
    event.preventDefault();
    void redeem(byId("pasted").value.trim());
  });
  byId("change-machine").addEventListener("click", () => {
    changeMachine();
    showMachine();
    say("This browser is another machine now.");
  });
  showMachine();
  window.addEventListener("hashchange", () => void followHash());
}
