/** Runs what a button or form starts, redraws the page, and shows a message with the outcome. */
import { current, explain } from "/assets/api.js";
import { byId } from "/assets/dom.js";

const SUCCESS_SHOWN_MS = 12_000;
let showUser = async () => undefined;
let refreshStack = async () => undefined;
let fading;

/** @param parts `showUser` draws the signed-in user; `refreshStack` draws the inbox and Stripe's data */
export function connect(parts) {
  ({ showUser, refreshStack } = parts);
}

/** Shows a message. An error stays until the next message; a success disappears. */
export function showMessage(text, isError = false) {
  clearTimeout(fading);
  byId("message").textContent = text;
  byId("message").className = isError ? "bad" : "";
  if (!isError) fading = setTimeout(() => showMessage(""), SUCCESS_SHOWN_MS);
}

/** Calls the API, redraws everything, and shows `success` or the error. */
export async function callApi(work, success) {
  const wasSignedIn = current() !== null;
  try {
    await work();
    // A failed refresh is not the user's error. The next poll retries it.
    await refreshStack().catch(() => undefined);
    await showUser();
    showMessage(success);
  } catch (error) {
    const isSignedOut = wasSignedIn && !current();
    if (isSignedOut) await showUser();
    showMessage(isSignedOut ? "You are signed out." : explain(error), true);
  }
}

/** Calls the local stack's /dev API and shows the outcome. @param success the message, or a function of the response */
export async function callStack(work, success) {
  try {
    const answer = await work();
    await refreshStack();
    showMessage(typeof success === "function" ? success(answer) : success);
  } catch (error) {
    showMessage(error.message, true);
  }
}
