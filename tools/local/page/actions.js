/** Runs what a button or form starts, redraws the page, and shows a message with the outcome. */
import { current, explain } from "/assets/api.js";
import { showFieldError } from "/assets/fields.js";
import { showMessage } from "/assets/message.js";

let showUser = async () => undefined;
let refreshStack = async () => undefined;
let askSecondStep = () => undefined;

/** @param parts `showUser` draws the signed-in user; `refreshStack` draws the inbox and Stripe's data; `askSecondStep` asks for a factor */
export function connect(parts) {
  ({ showUser, refreshStack, askSecondStep } = parts);
}

/**
 * Calls the API, redraws everything, and shows `success` or the error.
 * @param success the message, or a function that returns it
 * @param at the field that caused an error with one of these codes, or a function of the error that returns it. The error is
 *   then shown beside the field
 */
export async function callApi(work, success, at = { field: null, codes: [] }) {
  const wasSignedIn = current() !== null;
  try {
    await work();
    // A failed refresh is not the user's error. The next poll retries it.
    await refreshStack().catch(() => undefined);
    await showUser();
    showMessage(typeof success === "function" ? success() : success);
  } catch (error) {
    const isSignedOut = wasSignedIn && !current();
    if (isSignedOut) await showUser();
    const field = typeof at.field === "function" ? at.field(error) : at.field;
    if (field && at.codes.includes(error.code ?? error.kind)) {
      showMessage("");
      showFieldError(field, explain(error));
    } else showMessage(isSignedOut ? "You are signed out." : explain(error), true);
    if (error.code === "mfa_required") askSecondStep(error.meta);
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
