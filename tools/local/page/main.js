/** The local page. Left: what the app shows. Middle: emails, Stripe events and API calls. Right: Stripe test controls. */
import { listenForAccount, showAccount } from "/assets/account.js";
import { callApi, connect } from "/assets/actions.js";
import { listenForAddresses } from "/assets/addresses.js";
import { current, explain, nest } from "/assets/api.js";
import { showAudit } from "/assets/audit.js";
import { listenForClients, showClients } from "/assets/clients.js";
import { listenForCodeSignIn } from "/assets/code_sign_in.js";
import { callDevApi } from "/assets/dev_api.js";
import { byId } from "/assets/dom.js";
import { showEvents, verdictsOf } from "/assets/events.js";
import { clearForm } from "/assets/fields.js";
import { listenForInboxes, showInboxes } from "/assets/inbox.js";
import { listenForMessages, showMessage } from "/assets/message.js";
import { listenForPassword } from "/assets/password.js";
import { followCheckout } from "/assets/plans.js";
import { listenForRegistration } from "/assets/registration.js";
import { askSecondStep, forgetOldSecondStep, listenForSecondStep } from "/assets/second_step.js";
import { listenForSessions } from "/assets/sessions.js";
import { followHash, listenForSignIn } from "/assets/sign_in.js";
import { listenForStripe, showStripe } from "/assets/stripe.js";
import {
  listenForSubscription,
  showSignedOut,
  showSubscription,
  showTimeLeft,
} from "/assets/subscription.js";
import { listenForTimeline, showTimeline } from "/assets/timeline.js";
import { listenForWays, showWays } from "/assets/ways.js";

const REFRESH_INTERVAL_MS = 1000;
const STATUS_INTERVAL_MS = 5000;
let isDouble = true;
let user = null;
let typedBy = null;
let verdicts = "";
let stripe = null;
let timeline = null;
let refreshing = Promise.resolve();

const addressOf = (user) => user?.email ?? null;

/** The forms in which a person types what the next user must not see. */
const OWN_FORMS = [
  "paste-form",
  "code-form",
  "register-form",
  "address-form",
  "verify-form",
  "password-form",
];

/** Empties the forms of the previous user. */
function forgetTyped() {
  const now = current()?.user_id ?? null;
  if (now !== typedBy) for (const id of OWN_FORMS) clearForm(byId(id));
  typedBy = now;
}

/** Draws the signed-in user. */
async function showUser() {
  forgetOldSecondStep();
  forgetTyped();
  if (current()) {
    user = await nest.call("get_user");
    await Promise.all([
      showAccount(user),
      showSubscription(addressOf(user)),
      readTimeline(),
      showAudit(user.id),
    ]);
  } else {
    user = null;
    showSignedOut();
    await showAudit(null);
  }
  byId("signed-out").hidden = current() !== null;
  byId("signed-in").hidden = current() === null;
  showStripeData();
}

async function readTimeline() {
  timeline = isDouble && user ? await callDevApi("GET", `/users/${user.id}/timeline`) : null;
}

/** Draws the last data from Stripe for the signed-in user. */
function showStripeData() {
  if (stripe) showStripe(stripe, addressOf(user));
  if (current()) showTimeLeft(stripe?.now);
  if (stripe) showTimeline(user && timeline, stripe.now);
}

/** Runs refreshes one after the other, so that older data is never drawn over newer data. */
function refreshStack() {
  refreshing = refreshing.catch(() => undefined).then(refreshNow);
  return refreshing;
}

/** Draws the inbox and Stripe's data, and reads the subscription's status again after Nest processed an event. */
async function refreshNow() {
  [stripe] = await Promise.all([
    isDouble ? callDevApi("GET", "/stripe") : null,
    readTimeline(),
    showInboxes(),
    showAudit(user?.id ?? null),
  ]);
  if (stripe) showEvents(stripe.events);
  // The events of a real Stripe account are not visible here, so the status is polled instead.
  const now = stripe ? verdictsOf(stripe.events) : String(Math.floor(Date.now() / STATUS_INTERVAL_MS));
  if (now !== verdicts && current()) await showSubscription();
  verdicts = now;
  showStripeData();
}

function poll() {
  let isDown = false;
  const again = () =>
    setTimeout(async () => {
      try {
        await refreshStack();
        if (isDown) showMessage("The connection to Nest is back.");
        isDown = false;
      } catch (error) {
        const isGone = error instanceof TypeError || error.kind === "network";
        if (isGone && !isDown) showMessage("Nest does not respond. Check that npm start is running.", true);
        isDown ||= isGone;
      }
      again();
    }, REFRESH_INTERVAL_MS);
  again();
}

listenForMessages();
listenForClients(showWays);
listenForWays();
listenForSignIn();
listenForCodeSignIn();
listenForRegistration();
listenForAccount();
listenForSessions();
listenForSecondStep();
listenForPassword();
listenForAddresses();
listenForSubscription();
listenForInboxes();
listenForStripe();
listenForTimeline();
connect({ showUser, refreshStack, askSecondStep });
try {
  const status = await callDevApi("GET", "/status");
  showClients(status);
  byId("engine").textContent = `${status.database.engine} ${status.database.version}`;
  isDouble = status.stripe.mode !== "test";
  document.body.dataset.stripe = status.stripe.mode;
  await callApi(async () => undefined, "");
} catch (error) {
  showMessage(explain(error), true);
}
byId("loading").hidden = true;
byId("main").hidden = false;
followCheckout();
await followHash();
poll();
