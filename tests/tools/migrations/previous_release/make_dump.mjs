/**
 * Makes this folder's dump with the code of an earlier commit: see README.md.
 *
 *     MONGODB_URI=mongodb://127.0.0.1:27017/made_dump node make_dump.mjs <checkout of commit 298d668> <new folder>
 *
 * The clock stands in 2090, so that nothing of it expires, and no TTL index removes it, while the test exists.
 */
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

const [checkout, folder] = process.argv.slice(2);
const load = (file) => import(pathToFileURL(join(checkout, file)).href);
const { openGateway } = await load("src/local/gateway.ts");
const { makeSecrets, localEnvironment } = await load("src/local/secrets.ts");
const { startSesDouble } = await load("src/local/ses_double.ts");
const { startStripeDouble } = await load("src/local/stripe/stripe_double.ts");
const { createIndexes } = await load("src/core/repositories/index_setup.ts");
const { serveEvent } = await load("src/entry/event.ts");
const { handler: sesEvents } = await load("src/callbacks/ses_events.ts");
const { dumpDatabase } = await load("src/cli/dump/dump.ts");
const { importPredecessor } = await load("src/cli/predecessor/import.ts");

const CLIENT = "client_000000C2kdCzNlbL1BqR5FeMatItU";
const REDIRECT = "https://magic.getbeak.app/";
const START = Date.parse("2090-01-01T00:00:00.000Z");
const OF_2022 = "2022-03-04T05:06:07.890Z";

let moved = 0;
const advance = (seconds) => {
  moved += seconds * 1000;
};
const clock = { now: () => new Date(START + moved) };
const now = () => clock.now().getTime();
const secrets = await makeSecrets();
const ses = await startSesDouble();
const stripe = await startStripeDouble({ now, signedAt: now });
const environment = {
  ...localEnvironment(secrets, {
    issuer: "https://nest.test",
    mongoUri: process.env.MONGODB_URI,
    sesUrl: ses.url,
    stripe,
  }),
  LIMIT_LINKS_PER_ADDRESS: "0",
};
const gateway = await openGateway(environment, { clock, write: () => undefined });
const { database, client } = gateway.mongo;
await database.dropDatabase();
await createIndexes(database);

async function send(path, body, authorization) {
  const { statusCode, body: answer } = await gateway.invoke({
    method: "POST",
    path,
    headers: { "content-type": "application/json", ...(authorization && { authorization }) },
    body: Buffer.from(JSON.stringify(body)),
    ip: "203.0.113.9",
  });
  return { status: statusCode, body: answer ? JSON.parse(answer) : undefined };
}
async function call(path, body, authorization) {
  const answer = await send(path, body, authorization);
  if (answer.status >= 300)
    throw new Error(`${path} answered ${answer.status} ${JSON.stringify(answer.body)}`);
  return answer.body;
}
const device = (name) => ({ platform: "mac", beak_id: `${name}-mac`, fingerprint: `${name}-print` });
const linkBody = (name) => ({
  client_id: CLIENT,
  redirect_uri: REDIRECT,
  state: "state",
  code_challenge_method: "S256",
  // RFC 7636, appendix B.
  code_challenge: "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM",
  identifier_type: "email",
  identifier_value: `${name}@example.com`,
  device: device(name),
});
const mailedCode = () => {
  const [link] = /https:\/\/\S+code=[^\s"&<]+/.exec(ses.inbox.at(-1).text) ?? [];
  return new URL(link).searchParams.get("code");
};
async function requestLink(name) {
  await call("/1/2020-12-14/send_magic_link", linkBody(name));
  return mailedCode();
}
async function requestTrial(name) {
  await call("/1/2021-10-06/create_trial_and_magic_link", linkBody(name));
  return mailedCode();
}
const redeem = (code) =>
  call("/1/2020-12-14/authenticate_user", {
    client_id: CLIENT,
    grant_type: "authorization_code",
    redirect_uri: REDIRECT,
    code,
    code_verifier: "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk",
  });
const signIn = async (name) => redeem(await requestLink(name));
const refresh = (refreshToken) =>
  call("/1/2020-12-14/authenticate_user", {
    client_id: CLIENT,
    grant_type: "refresh_token",
    refresh_token: refreshToken,
  });

let delivered = 0;
/** Posts the new events. @returns the events that were not answered with 200 */
async function deliver() {
  const failed = [];
  for (const event of stripe.events().slice(delivered)) {
    delivered++;
    const { body, header } = stripe.signedEvent(event);
    const answer = await gateway.invoke({
      method: "POST",
      path: "/1/webhook/stripe",
      headers: { "content-type": "application/json", "stripe-signature": header },
      body: Buffer.from(body),
      ip: "203.0.113.9",
    });
    if (answer.statusCode !== 200) failed.push(event);
  }
  return failed;
}
const email = (name) => `${name}@example.com`;

// Users of 2022, imported by that commit's `db import`.
const old = client.db(`${database.databaseName}_of_2022`);
await old.dropDatabase();
const imported = {
  // Never reached by an event.
  ada: [{ status: "active" }],
  // Two living subscriptions, between which nothing has decided.
  bob: [{ status: "trialing", trialDays: 14 }, { status: "active" }],
  // Reached by one event, which gave it a version and nothing else.
  cleo: [{ status: "active" }],
  dan: [{ status: "canceled" }],
};
const subscriptionsOf = {};
for (const [name, wanted] of Object.entries(imported)) {
  const made = wanted.map((one) => stripe.createSubscription({ email: email(name), ...one }));
  subscriptionsOf[name] = made.map(({ id }) => id);
  const base = { createdAt: OF_2022, updatedAt: null };
  await old.collection("users").insertOne({ _id: `user_${name}`, createdAt: OF_2022 });
  await old.collection("identifiers").insertOne({
    ...{ _id: `userident_${name}`, userId: `user_${name}`, ...base },
    ...{ identifierType: "email", identifierValue: email(name), verifiedAt: OF_2022, removedAt: null },
  });
  await old.collection("marketing-consents").insertOne({
    ...{ _id: `mktngconsent_${name}`, userId: `user_${name}`, level: "general", ...base },
  });
  for (const [index, { id, customer, status }] of made.entries()) {
    await old.collection("provider-mappings").insertOne({
      ...{ _id: `provmap_${name}${index}`, userId: `user_${name}`, ...base },
      ...{ providerType: "stripe", providerValue: customer, removedAt: null },
    });
    await old.collection("subscriptions").insertOne({
      ...{ _id: `sub_${name}${index}`, userId: `user_${name}`, ...base },
      ...{ stpProductId: "prod_beak", stpSubscriptionId: id, stpCustomerId: customer, status },
      ...{ startsAt: OF_2022, endsAt: "2091-01-01T00:00:00.000Z" },
      ...{ cancelAt: null, cancelType: null, cancelledAt: null },
    });
  }
}
await old.collection("users").insertOne({ _id: "user_eli", createdAt: OF_2022 });
await old.collection("trials").insertOne({
  ...{ _id: "trial_eli", userId: "user_eli", createdAt: OF_2022, updatedAt: null },
  ...{ stpProductId: "prod_beak", stpSubscriptionId: "sub_of_eli", stpCustomerId: "cus_of_eli" },
  ...{
    startsAt: OF_2022,
    endsAt: "2022-03-18T05:06:07.890Z",
    device: { beakId: "eli-mac", fingerprint: "eli-print" },
  },
});
const moving = await importPredecessor(old, database, true);
if (moving.some(({ leftOut }) => leftOut.length > 0)) throw new Error(JSON.stringify(moving));
await old.dropDatabase();
// Their events of `created` were never sent to Nest.
delivered = stripe.events().length;
stripe.updateSubscription(subscriptionsOf.cleo[0], { cancel_at_period_end: true });
await deliver();

// Subscriptions in every status.
const STATUSES = [
  "active",
  "canceled",
  "incomplete",
  "incomplete_expired",
  "past_due",
  "paused",
  "trialing",
  "unpaid",
];
for (const status of STATUSES) stripe.createSubscription({ email: email(status), status });
await deliver();
// A subscription that has ended is not stored when its first event arrives, only when a later event arrives.
for (const status of ["canceled", "incomplete_expired"]) {
  const { id } = stripe.createSubscription({ email: email(`stored-${status}`) });
  await deliver();
  stripe.updateSubscription(id, { status });
  await deliver();
}
// A duplicate, which was canceled and refunded, and a trial that yielded to a paid subscription.
stripe.createSubscription({ email: email("fay") });
await deliver();
advance(10);
stripe.createSubscription({ email: email("fay") });
await deliver();
stripe.createSubscription({ email: email("gus"), trialDays: 14 });
await deliver();
stripe.createSubscription({ email: email("gus") });
await deliver();
// A dispute.
stripe.dispute(stripe.subscriptions().findLast(({ status }) => status === "active").id);
await deliver();

// Sign-ins.
const hal = await signIn("hal");
advance(60);
const halRefreshed = await refresh(hal.refresh_token);
const ian = await signIn("ian");
await call(
  "/1/2020-12-14/set_marketing_consent",
  { user_id: ian.user_id, level: "none" },
  `bearer ${ian.access_token}`,
);
const joe = await signIn("joe");
await call("/1/2021-10-06/revoke_token", { client_id: CLIENT, refresh_token: joe.refresh_token });
const openLink = await requestLink("kim");
const secondDevice = await requestLink("ian");

// Trials: redeemed, and open.
await redeem(await requestTrial("lea"));
await deliver();
const openTrial = await requestTrial("max");
await deliver();

// A bounce, and a news item.
const serveSes = serveEvent(sesEvents.declaration, gateway);
await serveSes(
  {
    id: "bounce-1",
    time: clock.now().toISOString(),
    detail: {
      eventType: "Bounce",
      mail: { messageId: "message-1" },
      bounce: { bounceType: "Permanent", bouncedRecipients: [{ emailAddress: email("ned") }] },
    },
  },
  { awsRequestId: "made" },
);
await gateway.core.newsItems.insert({
  ...{ _id: "newsitem_1", fallback: null, clientIds: null, endsAt: null, order: 1, updatedAt: null },
  ...{ startsAt: clock.now().toISOString(), createdAt: clock.now().toISOString() },
  primary: {
    ...{ code: "generic_banner", dismissible: true },
    payload: { emoji: "🐦", title: "News", body: "Words.", action: null },
  },
});

// An event that failed, since Stripe could not be reached.
const active = stripe.subscriptions().find(({ customer, status }) => {
  const owner = stripe.customers().find(({ id }) => id === customer);
  return status === "active" && owner.email === email("active");
});
stripe.updateSubscription(active.id, { cancel_at_period_end: true });
stripe.fault({ calls: 10, kind: "error" });
const [failedEvent] = await deliver();
stripe.fault({ calls: 0, kind: "none" });
// An event that Nest has not received.
stripe.updateSubscription(subscriptionsOf.ada[0], { cancel_at_period_end: true });
const unseenEvent = stripe.events().at(-1);
if (!failedEvent) throw new Error("no event failed");
const ledger = await gateway.core.stripeEvents.list(stripe.events().map(({ id }) => id));
const finished = new Set(ledger.flatMap(({ _id, status }) => (status === "done" ? [_id] : [])));
const doneEvent = stripe.events().find(({ id }) => finished.has(id));

// What Stripe answers about some subscriptions, for tests that work on events later.
const subscriptions = {};
for (const id of [active.id, ...subscriptionsOf.ada, ...subscriptionsOf.bob]) {
  const query = "expand[0]=customer&expand[1]=discounts";
  const answer = await fetch(`${stripe.url}/v1/subscriptions/${id}?${query}`, {
    headers: { authorization: `Bearer ${stripe.secretKey}` },
  });
  subscriptions[id] = await answer.json();
}

const statuses = {};
for (const { identifierValue, userId } of await database.collection("identifiers").find().toArray()) {
  const path = "/1/2021-10-06/get_subscription_status";
  const { status, body } = await send(path, { user_id: userId }, `internal ${secrets.internalKey}`);
  statuses[identifierValue] = status === 200 ? body.status : body.code;
}

await dumpDatabase(database, join(folder, "dump"));
const facts = {
  madeAt: clock.now().toISOString(),
  subscriptionsOf,
  statuses,
  rotated: { user_id: hal.user_id, old: hal.refresh_token, current: halRefreshed.refresh_token },
  signedIn: { user_id: ian.user_id, access_token: ian.access_token, refresh_token: ian.refresh_token },
  revoked: { refresh_token: joe.refresh_token },
  openLinks: { kim: openLink, ian: secondDevice, max: openTrial },
  events: { done: doneEvent, failed: failedEvent, unseen: unseenEvent },
};
const write = (name, value) => writeFile(join(folder, name), `${JSON.stringify(value, null, 2)}\n`);
await write("facts.json", facts);
await write("stripe.json", subscriptions);
await write("secrets.json", secrets);
await database.dropDatabase();
await gateway.close();
await stripe.close();
await ses.close();
