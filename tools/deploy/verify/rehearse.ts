import { writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { pythonTools } from "#tools/deploy/verify/python.ts";
import { type Rehearsal, startRehearsal } from "#tools/deploy/verify/rehearsal.ts";
import type { SesDouble } from "#tools/local/ses_double.ts";
import { catchInterruption, INTERRUPTED } from "#tools/machine/interruption.ts";

/**
 * Starts doubles of everything that a deployment needs, and keeps them until this process is interrupted, also while
 * it starts. A person can then follow docs/deploy.md by hand. Ends the process.
 * @param say takes a line for the terminal
 * @throws CommandError if there is no Python
 */
export async function rehearse(say: (line: string) => void): Promise<never> {
  using interruption = catchInterruption();
  const { signal } = interruption;
  try {
    const rehearsal = await startRehearsal({ tools: await pythonTools(say, signal), say, signal });
    try {
      await describe(rehearsal, say);
      await interruption.happened;
    } finally {
      await rehearsal.close();
    }
  } catch (error) {
    // Ctrl-C ends child processes as well, so a step may fail because of it.
    if (!signal.aborted) throw error;
  }
  say("Everything is stopped and removed.");
  process.exit(INTERRUPTED);
}

async function describe(rehearsal: Rehearsal, say: (line: string) => void): Promise<void> {
  const file = await writeEnvironment(rehearsal, await serveInbox(rehearsal.ses));
  say(`
  Doubles of AWS, Stripe and SES and a database run on loopback. In another terminal, in this folder:

    . ${file}

  Then continue with "Rehearse without an account" of docs/deploy.md. Ctrl-C here removes everything.
`);
}

/** Serves the mails that were sent, as `/dev/inbox` of the local stack does. @returns the inbox's address */
async function serveInbox(ses: SesDouble): Promise<string> {
  const server = createServer((_request, response) => {
    response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify(ses.inbox));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/inbox`;
}

/** Writes the variables that make a shell's commands use the doubles. @returns the file's path */
async function writeEnvironment(rehearsal: Rehearsal, inbox: string): Promise<string> {
  const { environment, settings, settingsFile, api, stripe, mongoUri, ses } = rehearsal;
  const file = `${settingsFile}.sh`;
  const variables = {
    ...environment,
    AWS_ENDPOINT_URL_SESV2: ses.url,
    SETTINGS: settingsFile,
    API: api.url,
    WEBHOOK: `https://${settings.domain.name}/1/webhook/stripe`,
    INBOX: inbox,
    STRIPE_SECRET_KEY: stripe.secretKey,
    MONGODB_URI: mongoUri,
  };
  const lines = Object.entries(variables).map(([name, value]) => `export ${name}='${value}'`);
  await writeFile(file, `${lines.join("\n")}\n`, { mode: 0o600 });
  return file;
}
