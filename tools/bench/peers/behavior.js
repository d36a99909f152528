/**
 * Tries what better-auth does with its defaults and prints it, for docs/comparison.md:
 * `MONGODB_URI=... node tools/bench/peers/behavior.js`. It uses a database of its own and drops it.
 */
import { readFile } from "node:fs/promises";
import { betterAuth } from "better-auth";
import { mongodbAdapter } from "better-auth/adapters/mongodb";
import { magicLink } from "better-auth/plugins";
import { MongoClient } from "mongodb";

const ORIGIN = "http://localhost:3000";
const RACING = 50;

const client = await MongoClient.connect(process.env.MONGODB_URI);
const database = client.db(`behavior_${process.pid}`);
const mails = [];
const auth = betterAuth({
  baseURL: ORIGIN,
  secret: "a secret for this program, as long as it should be",
  database: mongodbAdapter(database, { client, transaction: false }),
  telemetry: { enabled: false },
  plugins: [magicLink({ sendMagicLink: (mail) => void mails.push(mail) })],
});

/** Sends a request without cookies, as another browser does. */
async function call(path, body) {
  const request = new Request(`${ORIGIN}/api/auth${path}`, {
    method: body ? "POST" : "GET",
    headers: { origin: ORIGIN, "content-type": "application/json" },
    ...(body && { body: JSON.stringify(body) }),
  });
  const response = await auth.handler(request);
  return { status: response.status, cookie: response.headers.get("set-cookie") };
}

/** @returns the path of a new magic link, without the page that follows */
async function requestLink(email) {
  await call("/sign-in/magic-link", { email });
  return `/magic-link/verify?token=${mails.at(-1).token}`;
}

const signsIn = ({ cookie }) => cookie?.includes("session_token=") === true;
const { version } = JSON.parse(
  await readFile(new URL("node_modules/better-auth/package.json", import.meta.url)),
);

try {
  const first = await requestLink("ada@example.com");
  const stored = await database.collection("verification").findOne({});
  const stranger = await call(first);
  const repeated = await call(first);
  const session = await database.collection("session").findOne({});
  const raced = await requestLink("grace@example.com");
  const answers = await Promise.all(Array.from({ length: RACING }, () => call(raced)));
  const indexes = await Promise.all(
    ["user", "session", "verification"].map((name) => database.collection(name).indexes()),
  );
  const { rateLimit } = await auth.$context;
  const facts = {
    "signs in a browser that did not request the link": signsIn(stranger),
    "signs in again when the response is lost and the request is repeated": signsIn(repeated),
    [`sign-ins of ${RACING} requests that race for one link`]: answers.filter(signsIn).length,
    "stores the secret of a link as it is": stored.identifier.endsWith(mails[0].token),
    "stores the secret of a session as it is": stranger.cookie.includes(session.token),
    "indexes that it creates in MongoDB": indexes
      .flat()
      .map(({ name }) => name)
      .filter((name) => name !== "_id_")
      .join(", "),
    "where it counts rate limits": rateLimit.storage,
  };
  console.log(`better-auth ${version}, with its defaults:`);
  for (const [fact, value] of Object.entries(facts)) console.log(`  ${fact}: ${value}`);
} finally {
  await database.dropDatabase();
  await client.close();
}
