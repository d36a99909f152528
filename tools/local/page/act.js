/** What happens when somebody presses something. */
import { current, explain } from "/assets/api.js";
import { byId } from "/assets/dom.js";

const GOOD_NEWS_MS = 12_000;
let show = async () => undefined;
let look = async () => undefined;
let fading;

/** @param parts `show` draws what is known of the user, `look` what the stack has */
export function connect(parts) {
  ({ show, look } = parts);
}

/** Says how something went. Bad news stays until there is other news. */
export function say(text, isBad = false) {
  clearTimeout(fading);
  byId("message").textContent = text;
  byId("message").className = isBad ? "bad" : "";
  if (!isBad) fading = setTimeout(() => say(""), GOOD_NEWS_MS);
}

/** Runs something that asks the API, shows all again, and says how it went. */
export async function act(work, done) {
  const wasSignedIn = current() !== null;
  try {
    await work();
    // Should this fail, then not what was asked for: the next look tells.
    await look().catch(() => undefined);
    await show();
    say(done);
  } catch (error) {
    const isOver = wasSignedIn && !current();
    if (isOver) await show();
    say(isOver ? "You are signed out." : explain(error), true);
  }
}

/** Runs something that only the stack is asked for, looks what came of it, and says how it went. */
export async function control(work, done) {
  try {
    const answer = await work();
    await look();
    say(typeof done === "function" ? done(answer) : done);
  } catch (error) {
    say(error.message, true);
  }
}
