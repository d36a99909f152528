/**
 * `npm run rehearse`: an AWS on loopback that stays until Ctrl-C, for trying by hand what docs/deploy.md describes. Needs
 * Python, as `npm run verify:deploy` does, which tries all of it by itself.
 */
import { chmod, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { pythonTools } from "#tools/deploy/verify/python.ts";
import { type Rehearsal, startRehearsal } from "#tools/deploy/verify/rehearsal.ts";
import type { SesDouble } from "#tools/local/ses_double.ts";

const say = (line: string) => console.log(line);

/** Serves the mails that were sent, as `/dev/inbox` of the local stack does. */
async function serveInbox(ses: SesDouble): Promise<string> {
  const server = createServer((_request, response) => {
    response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify(ses.inbox));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/inbox`;
}

/** What a shell sources, for the commands of docs/deploy.md to reach the rehearsal. */
async function writeEnvironment(rehearsal: Rehearsal, inbox: string): Promise<string> {
  const { environment, settingsFile, api, stripe, mongoUri, ses } = rehearsal;
  const file = `${settingsFile}.sh`;
  const variables = {
    ...environment,
    AWS_ENDPOINT_URL_SESV2: ses.url,
    SETTINGS: settingsFile,
    API: api.url,
    INBOX: inbox,
    STRIPE_SECRET_KEY: stripe.secretKey,
    MONGODB_URI: mongoUri,
  };
  const lines = Object.entries(variables).map(([name, value]) => `export ${name}='${value}'`);
  await writeFile(file, `${lines.join("\n")}\n`, { mode: 0o600 });
  await chmod(file, 0o600);
  return file;
}

try {
  const rehearsal = await startRehearsal(await pythonTools(say), say);
  const inbox = await serveInbox(rehearsal.ses);
  const file = await writeEnvironment(rehearsal, inbox);
  const end = async () => {
    await rehearsal.close();
    process.exit();
  };
  process.once("SIGINT", end).once("SIGTERM", end).once("SIGHUP", end);
  say(`
  An AWS, a Stripe, an SES and a database are on loopback. In another terminal, here:

    . ${file}

  and on with "By hand, without an account" of docs/deploy.md. Ctrl-C here removes everything.
`);
} catch (error) {
  console.error(`\n${(error as Error).message}`);
  process.exit(1);
}
