import { writeFile } from "node:fs/promises";
import type { Command } from "commander";
import { customersOf, type MoneyMovement, readMovements } from "#core/billing/payments/movements.ts";
import type { Environment } from "#core/config.ts";
import { NestError } from "#core/errors.ts";
import { stripe } from "#core/parts.ts";
import { findPerson } from "#core/personal_data/find_person.ts";
import { eraseAccount, readAccount } from "#core/personal_data/personal_data.ts";
import type { Person } from "#core/personal_data/references.ts";
import { exportAccount } from "#core/repositories/personal_documents.ts";
import type { StripeApi } from "#core/services/stripe.ts";
import { listSignInEvents } from "#core/sessions/sign_in_history.ts";
import { readLimit } from "#tools/operator/limit.ts";
import { roleCommands } from "#tools/operator/user_roles.ts";
import { searchCommands } from "#tools/operator/user_search.ts";
import { describeUser } from "#tools/operator/user_summary.ts";
import { withAccounts } from "#tools/operator/with_accounts.ts";
import { act, examples } from "#tools/terminal/command.ts";
import { CommandError } from "#tools/terminal/errors.ts";
import { table } from "#tools/terminal/table.ts";

const WHO = "<user>";
const WHO_IS = "a user id, email address or phone number with its plus sign";

/** `users list | search | grant | find | show | why | export | erase`. */
export function userCommands(program: Command): void {
  const users = program.command("users").description("users, by id or email address");
  searchCommands(users);

  roleCommands(users);

  const find = users.command("find").argument(WHO, WHO_IS).description("prints a user's id");
  examples(find, ["users find ada@example.com"]);
  act(find, (terminal, who: string) =>
    withAccounts(terminal, async (core) => {
      const { userId } = await findPerson(core, who);
      terminal.show({ user_id: userId }, userId ?? NO_USER);
    }),
  );

  const show = users
    .command("show")
    .argument(WHO, WHO_IS)
    .description(
      "shows a summary of a user's stored data, such as roles and the state of the password, and payments and refunds from Stripe",
    );
  examples(show, ["users show user_2Jx...", "users show ada@example.com --json"]);
  act(show, (terminal, who: string) =>
    withAccounts(terminal, async (core) => {
      const account = await readAccount(core, await findPerson(core, who));
      const [movements, ownRoles] = await Promise.all([
        readMoney(terminal.environment, customersOf(account)),
        core.roles.list("platform"),
      ]);
      const document = {
        ...exportAccount(account),
        payments: typeof movements === "string" ? null : movements,
      };
      terminal.show(document, describeUser(account, movements, core.clock.now(), ownRoles));
    }),
  );

  const why = users
    .command("why")
    .argument(WHO, WHO_IS)
    .option("--limit <number>", "maximum number of lines", "40")
    .description(
      "lists recent links, codes and sign-ins with their outcome, and why sessions ended; with --json each event has a code",
    );
  examples(why, ["users why ada@example.com", "users why +6591234567", "users why ada@example.com --json"]);
  act(why, async (terminal, who: string, options: { limit: string }) => {
    const limit = readLimit(options.limit, 1000);
    return withAccounts(terminal, async (core) => {
      const account = await readAccount(core, await findPerson(core, who));
      const { disabledAt } = account.users[0] ?? {};
      const events = listSignInEvents(core, { ...account, disabledAt }).slice(0, limit);
      const rows = events.map(({ at, about, what }) => [at, about, what]);
      terminal.show(
        events,
        rows.length > 0
          ? table(rows, ["time", "about", "event"])
          : "No sign-in of the last 30 days is stored.",
      );
    });
  });

  const exporting = users
    .command("export")
    .argument(WHO, WHO_IS)
    .option("--file <path>", "a new file to write; without it the document is printed")
    .description("exports everything stored about a user as JSON, for a data access request");
  examples(exporting, ["users export ada@example.com --file ada.json"]);
  act(exporting, (terminal, who: string, { file }: { file?: string }) =>
    withAccounts(terminal, async (core) => {
      const document = exportAccount(await readAccount(core, await findPerson(core, who)));
      if (file === undefined) return terminal.print(JSON.stringify(document, null, 2));
      await writeNew(file, `${JSON.stringify(document, null, 2)}\n`);
      terminal.show({ file }, `Written to ${file}.`);
    }),
  );

  const erase = users
    .command("erase")
    .argument(WHO, WHO_IS)
    .description(
      "deletes a person and all personal data, even if nobody ever signed in with the address; closes an open checkout page; refused while a subscription is active",
    );
  examples(erase, ["users erase user_2Jx...", "users erase ada@example.com"]);
  act(erase, (terminal, who: string) =>
    withAccounts(terminal, async (core) => {
      const person = await findPerson(core, who);
      const customers = customersOf(await readAccount(core, person));
      const name = nameOf(person);
      await terminal.confirm(
        `All personal data of ${name} will be deleted from Nest. Stripe keeps ${customers.join(", ") || "no customer"}.`,
        name,
      );
      await eraseAccount({ ...core, stripe: stripeOf(terminal.environment) }, person);
      terminal.show({ erased: name, stripe_customers: customers }, [
        `Erased ${name}.`,
        ...customers.map(
          (id) => `Stripe keeps ${id}. Delete it in the Dashboard if Stripe must forget it too.`,
        ),
      ]);
    }),
  );
}

/** Reads the payments of customers. @returns the movements, or the reason why they were not read */
async function readMoney(
  environment: Environment,
  customers: readonly string[],
): Promise<MoneyMovement[] | string> {
  if (customers.length === 0) return [];
  const api = stripeOf(environment);
  if (api === null) return "not read: STRIPE_SECRET_KEY is not set";
  return readMovements(api, customers).catch((error: unknown) => {
    if (error instanceof NestError) return `not read: ${error.detail ?? error.code}`;
    throw error;
  });
}

/** Opens Stripe. @returns null if the environment has no key */
const stripeOf = (environment: Environment): StripeApi | null =>
  environment.STRIPE_SECRET_KEY ? stripe.open(environment) : null;

const NO_USER = "No user has this address, but other documents do: see `users show`.";

/** Names a person in a confirmation: by the user's id, else by the address. */
const nameOf = ({ userId, addresses }: Person): string => userId ?? addresses.join(", ");

async function writeNew(file: string, text: string): Promise<void> {
  await writeFile(file, text, { mode: 0o600, flag: "wx" }).catch(() => {
    throw new CommandError(`${file} can't be written, or exists already. Choose another file.`);
  });
}
