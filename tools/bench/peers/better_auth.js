/**
 * better-auth with its MongoDB adapter and its magic link and Stripe plugins, as a target of the benchmark. Calls go to its
 * handler, as from a server.
 */
import { Agent, request as httpRequest } from "node:http";
import { stripe } from "@better-auth/stripe";
import { betterAuth } from "better-auth";
import { mongodbAdapter } from "better-auth/adapters/mongodb";
import { magicLink } from "better-auth/plugins";
import { MongoClient } from "mongodb";
import Stripe from "stripe";

const ORIGIN = "http://localhost:3000";
/** The address of calls that prepare others. */
const SETUP_IP = "203.0.113.9";

/**
 * @param settings MONGODB_URI; MAIL_URL, which accepts mails; OPTIONS and INDEXES: JSON of tools/bench/peer_settings.ts;
 *   COUNTS, `yes`: return how many commands each call sent, one call at a time
 */
export async function openTarget(settings) {
  const options = JSON.parse(settings.OPTIONS);
  const client = await MongoClient.connect(settings.MONGODB_URI, {
    writeConcern: { w: "majority" },
    monitorCommands: settings.COUNTS === "yes",
  });
  let commands = 0;
  client.on("commandStarted", () => {
    commands++;
  });
  const database = client.db();
  for (const [name, indexes] of Object.entries(JSON.parse(settings.INDEXES)))
    await database.collection(name).createIndexes(indexes);
  const tokens = new Map();
  const agent = new Agent({ keepAlive: true });
  const auth = betterAuth({
    baseURL: ORIGIN,
    secret: "a secret for the bench, as long as it should be",
    ...options.betterAuth,
    database: mongodbAdapter(database, { client, ...options.mongodbAdapter }),
    plugins: [
      magicLink({
        ...options.magicLink,
        async sendMagicLink({ email, url, token }) {
          tokens.set(email, token);
          await postMail(agent, settings.MAIL_URL, { to: email, text: `Sign in: ${url}` });
        },
      }),
      stripe({
        stripeClient: new Stripe("sk_test_bench"),
        stripeWebhookSecret: "whsec_bench",
        ...options.stripe,
      }),
    ],
  });

  return {
    async invoke({ subscribe, verb = "GET", path, body, cookie, ip }) {
      if (subscribe) return { status: await subscribeUser(auth, subscribe) };
      const headers = { origin: ORIGIN, "x-forwarded-for": ip ?? SETUP_IP, ...(cookie && { cookie }) };
      if (body) headers["content-type"] = "application/json";
      const request = new Request(`${ORIGIN}/api/auth${path}`, {
        method: verb,
        headers,
        ...(body && { body: JSON.stringify(body) }),
      });
      commands = 0;
      const response = await auth.handler(request);
      const answer = await response.json();
      return {
        status: answer === null ? 401 : response.status,
        cookie: response.headers
          .getSetCookie()
          .map((line) => line.split(";")[0])
          .join("; "),
        token: body && tokens.get(body.email),
        userId: answer?.user?.id,
        commands,
        found: Array.isArray(answer) ? answer.length : undefined,
      };
    },
    async close() {
      agent.destroy();
      await client.close();
    },
  };
}

/** Stores a subscription, as its webhook does. */
async function subscribeUser(auth, { userId, number }) {
  const { adapter } = await auth.$context;
  await adapter.create({
    model: "subscription",
    data: {
      plan: "pro",
      referenceId: userId,
      status: "active",
      stripeCustomerId: `cus_bench${number}`,
      stripeSubscriptionId: `sub_bench${number}`,
      periodStart: new Date(),
      periodEnd: new Date(Date.now() + 2_592_000_000),
    },
  });
  return 200;
}

/** Sends a mail by one HTTP request, as Nest does, but unsigned. */
function postMail(agent, url, mail) {
  return new Promise((resolve, reject) => {
    httpRequest(
      url,
      { method: "POST", agent, headers: { "content-type": "application/json" } },
      (response) => {
        response.resume().on("end", resolve).on("error", reject);
      },
    )
      .on("error", reject)
      .end(JSON.stringify(mail));
  });
}
