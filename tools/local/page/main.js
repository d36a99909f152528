/** The local page. Left: what the app shows. Middle: emails, Stripe events and API calls. Right: Stripe test controls. */
import { listenForAccount, showAccount } from "/assets/account.js";
import { callApi, connect, showMessage } from "/assets/actions.js";
import { current, explain } from "/assets/api.js";
import { callDevApi } from "/assets/dev_api.js";
import { byId } from "/assets/dom.js";
import { showEvents, verdictsOf } from "/assets/events.js";
import { listenForInbox, showInbox } from "/assets/inbox.js";
import { followHash, listenForSignIn } from "/assets/sign_in.js";
import { listenForStripe, showStripe } from "/assets/stripe.js";
import { listenForSubscription, setAddress, showSubscription, showTimeLeft } from "/assets/subscription.js";

const REFRESH_INTERVAL_MS = 1000;
const STATUS_INTERVAL_MS = 5000;
let isDouble = true;
let address = null;
let verdicts = "";
let stripe = null;
let refreshing = Promise.resolve();

/** Draws the signed-in user. Reads everything first, so that the page changes once. */
async function showUser() {
  if (current()) {
    const [user] = await Promise.all([showAccount(), showSubscription()]);
    address = user.identifiers[0]?.identifier_value ?? null;
  } else address = null;
  setAddress(address);
  byId("signed-out").hidden = current() !== null;
  byId("signed-in").hidden = current() === null;
  showStripeData();
}

/** Draws the last data from Stripe for the signed-in user. */
function showStripeData() {
  if (stripe) showStripe(stripe, address);
  if (current()) showTimeLeft(stripe?.now);
}

/** Runs refreshes one after the other, so that older data is never drawn over newer data. */
function refreshStack() {
  refreshing = refreshing.catch(() => undefined).then(refreshNow);
  return refreshing;
}

/** Draws the inbox and Stripe's data, and reads the subscription's status again after Nest processed an event. */
async function refreshNow() {
  [stripe] = await Promise.all([isDouble ? callDevApi("GET", "/stripe") : null, showInbox()]);
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

listenForSignIn();
listenForAccount();
listenForSubscription();
listenForInbox();
listenForStripe();
connect({ showUser, refreshStack });
try {
  const status = await callDevApi("GET", "/status");
  byId("engine").textContent = `${status.database.engine} ${status.database.version}`;
  isDouble = status.stripe.mode !== "test";
  document.body.dataset.stripe = status.stripe.mode;
  if (current()) await callApi(async () => undefined, "");
  else await refreshStack();
} catch (error) {
  showMessage(explain(error), true);
}
byId("loading").hidden = true;
byId("main").hidden = false;
await followHash();
poll();
