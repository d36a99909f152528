/** Nest on this machine, for a person to try: left what the app would show, then what arrives, then Stripe's side. */
import { listenForAccount, showAccount } from "/assets/account.js";
import { act, connect, say } from "/assets/act.js";
import { current, explain } from "/assets/api.js";
import { byId } from "/assets/dom.js";
import { showEvents, verdictsOf } from "/assets/events.js";
import { listenForInbox, showInbox } from "/assets/inbox.js";
import { followHash, listenForSignIn } from "/assets/sign_in.js";
import { askStack } from "/assets/stack.js";
import { listenForStripe, showStripe } from "/assets/stripe.js";
import { listenForSubscription, setAddress, showSubscription, showTimeLeft } from "/assets/subscription.js";

const LOOK_EVERY_MS = 1000;
const ASK_EVERY_MS = 5000;
let isDouble = true;
let address = null;
let verdicts = "";
let stripe = null;
let looking = Promise.resolve();

/** Shows whoever is signed in; everything is read before anything moves. */
async function show() {
  if (current()) {
    const [user] = await Promise.all([showAccount(), showSubscription()]);
    address = user.identifiers[0]?.identifier_value ?? null;
  } else address = null;
  setAddress(address);
  byId("signed-out").hidden = current() !== null;
  byId("signed-in").hidden = current() === null;
  showSeen();
}

/** Shows what was seen last, for whoever is signed in now. */
function showSeen() {
  if (stripe) showStripe(stripe, address);
  if (current()) showTimeLeft(stripe?.now);
}

/** One look after the other, so that an older answer is never drawn over a newer one. */
function look() {
  looking = looking.catch(() => undefined).then(lookNow);
  return looking;
}

/** Shows what the stack has by now, and asks for the subscription's status anew when Nest has worked on an event. */
async function lookNow() {
  [stripe] = await Promise.all([isDouble ? askStack("GET", "/stripe") : null, showInbox()]);
  if (stripe) showEvents(stripe.events);
  // Of Stripe's own test mode nothing is seen here, so the status is asked for every so often.
  const now = stripe ? verdictsOf(stripe.events) : String(Math.floor(Date.now() / ASK_EVERY_MS));
  if (now !== verdicts && current()) await showSubscription();
  verdicts = now;
  showSeen();
}

function watch() {
  let isDown = false;
  const again = () =>
    setTimeout(async () => {
      try {
        await look();
        if (isDown) say("Nest answers again.");
        isDown = false;
      } catch (error) {
        const isGone = error instanceof TypeError || error.kind === "network";
        if (isGone && !isDown) say("Nest does not answer. Is npm start running?", true);
        isDown ||= isGone;
      }
      again();
    }, LOOK_EVERY_MS);
  again();
}

listenForSignIn();
listenForAccount();
listenForSubscription();
listenForInbox();
listenForStripe();
connect({ show, look });
try {
  const status = await askStack("GET", "/status");
  byId("engine").textContent = `${status.database.engine} ${status.database.version}`;
  isDouble = status.stripe.mode !== "test";
  document.body.dataset.stripe = status.stripe.mode;
  if (current()) await act(async () => undefined, "");
  else await look();
} catch (error) {
  say(explain(error), true);
}
byId("loading").hidden = true;
byId("main").hidden = false;
await followHash();
watch();
