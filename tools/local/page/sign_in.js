/** Sign-in with a magic link, with the link of a new trial, or with a pasted code. */
import { callApi, showMessage } from "/assets/actions.js";
import { current, nest } from "/assets/api.js";
import { device, simulateNewDevice } from "/assets/device.js";
import { byId, terms } from "/assets/dom.js";

/** Starts a trial as the app does. Nest emails its magic link. */
export const startTrial = (address) =>
  callApi(
    () => nest.startTrial(address, { device: device() }),
    "Trial created. Its magic link is in the inbox.",
  );

async function redeem(text) {
  const isTrial = new URLSearchParams(text).get("flow") === "trial";
  await callApi(
    () => nest.finishSignIn(text),
    isTrial ? "You are signed in. Your trial has started." : "You are signed in.",
  );
  if (current()) byId("account-title").focus();
}

/** Redeems the code in the page's URL, if there is one, and removes it from the URL. */
export async function followHash() {
  const text = location.hash.slice(1);
  if (!text.includes("code=")) return;
  history.replaceState(null, "", "/");
  await redeem(text);
}

function showDevice() {
  const { platform, beak_id, fingerprint } = device();
  byId("device").replaceChildren(
    ...terms([
      ["Platform", platform],
      ["Device ID", beak_id],
      ["Fingerprint", fingerprint],
    ]),
  );
}

export function listenForSignIn() {
  byId("link-form").addEventListener("submit", (event) => {
    event.preventDefault();
    const address = byId("address").value;
    if (event.submitter?.id === "start-trial") void startTrial(address);
    else
      void callApi(
        () => nest.sendMagicLink(address, { device: device() }),
        "The magic link is in the inbox.",
      );
  });
  byId("paste-form").addEventListener("submit", (event) => {
    event.preventDefault();
    void redeem(byId("pasted").value.trim());
  });
  byId("new-device").addEventListener("click", () => {
    simulateNewDevice();
    showDevice();
    showMessage("Nest now sees this browser as a new device.");
  });
  showDevice();
  window.addEventListener("hashchange", () => void followHash());
}
