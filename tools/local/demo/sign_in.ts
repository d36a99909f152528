import type { NestClient } from "#client/index.ts";
import { machine, newAddress, openClient, readLink } from "#tools/local/demo/app.ts";
import type { Trace } from "#tools/local/demo/trace.ts";

const AT_ONCE = 3;

/**
 * What the desktop app does between "Sign in" and "Sign out", with the typed client, against a running Nest with the
 * local stack's inbox.
 * @throws StepFailed at the first step that does not hold, or the client's error
 */
export async function demonstrateSignIn(trace: Trace): Promise<void> {
  const address = newAddress();
  const { nest, store } = openClient(trace);

  trace.step("Ask for a link; the code verifier stays on this machine, its hash goes with the request");
  await nest.sendMagicLink(address, { device: machine(address) });

  trace.step("Read the mail");
  const link = await readLink(trace, address);

  trace.step("Follow the link, with the verifier that only this machine has");
  const { userId } = await nest.finishSignIn(link);
  trace.require((await nest.signedIn())?.userId === userId, "signed in");
  await trace.requireRefused("unknown_link", nest.finishSignIn(link));

  trace.step("Who am I, what have I agreed to, what is new, where am I signed in");
  await callAsUser(trace, nest, address);

  trace.step(`An access token that is no longer good: ${AT_ONCE} calls at once, one refresh`);
  const tokens = JSON.parse((await store.get("tokens")) ?? "{}");
  await store.set("tokens", JSON.stringify({ ...tokens, access_token: "no-longer-good" }));
  const before = trace.asked.length;
  const users = await Promise.all(Array.from({ length: AT_ONCE }, () => nest.call("get_user")));
  trace.require(
    users.every(({ id }) => id === userId),
    "every call was answered",
  );
  trace.require(trace.asked.length - before === 2 * AT_ONCE + 1, "with one refresh");

  trace.step("Sign out");
  await nest.signOut();
  await trace.requireRefused("signed_out", nest.call("get_user"));
  const { refresh_token } = tokens;
  await trace.requireRefused(
    "authorization_not_found",
    nest.call("authenticate_user", { grant_type: "refresh_token", refresh_token }),
  );
}

async function callAsUser(trace: Trace, nest: NestClient, address: string): Promise<void> {
  const { identifiers } = await nest.call("get_user");
  trace.require(
    identifiers.some(({ identifier_value }) => identifier_value === address),
    "the user has the address that was proved",
  );
  await trace.requireRefused("awaiting_consent", nest.call("get_marketing_consent"));
  await nest.call("set_marketing_consent", { level: "general" });
  trace.require((await nest.call("get_marketing_consent")).level === "general", "the choice is kept");
  await nest.call("list_news_items");
  const sessions = await nest.call("list_sessions");
  trace.require(sessions.length === 1 && sessions[0]?.current === true, "one session, and it is this one");
}
