/** The ways in: a link, a trial's link, a pasted code. */
import { act, say } from "/assets/act.js";
import { current, nest } from "/assets/api.js";
import { byId, terms } from "/assets/dom.js";
import { changeMachine, device } from "/assets/machine.js";

/** Starts a trial as the app does. Its link comes by mail. */
export const startTrial = (address) =>
  act(
    () => nest.startTrial(address, { device: device() }),
    "Your trial is ready: follow its link in the inbox.",
  );

async function redeem(text) {
  const isTrial = new URLSearchParams(text).get("flow") === "trial";
  await act(
    () => nest.finishSignIn(text),
    isTrial ? "You are signed in. Your trial has begun." : "You are signed in.",
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
    else void act(() => nest.sendMagicLink(address, { device: device() }), "The link is in the inbox.");
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
