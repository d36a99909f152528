import type { Command } from "commander";
import { accountToWire } from "#core/members/account_view.ts";
import { listAccounts } from "#core/members/accounts.ts";
import { listMembers } from "#core/members/list_members.ts";
import { memberToWire } from "#core/members/member_view.ts";
import { findPerson } from "#core/personal_data/find_person.ts";
import { readLimit } from "#tools/operator/limit.ts";
import { withAccounts } from "#tools/operator/with_accounts.ts";
import { act, examples } from "#tools/terminal/command.ts";
import { CommandError } from "#tools/terminal/errors.ts";
import { oneLine } from "#tools/terminal/one_line.ts";
import { table } from "#tools/terminal/table.ts";

/** `accounts list | show`. */
export function accountCommands(program: Command): void {
  const accounts = program.command("accounts").description("accounts, and who their members are");
  const list = accounts
    .command("list")
    .argument("<user>", "a user id, email address or phone number with its plus sign")
    .description("lists the accounts of a user, the oldest membership first, with the user's role in each");
  examples(list, ["accounts list ada@example.com", "accounts list user_2Jx... --json"]);
  act(list, (terminal, who: string) =>
    withAccounts(terminal, async (core) => {
      const { userId } = await findPerson(core, who);
      const items = userId === null ? [] : (await listAccounts(core, userId)).map(accountToWire);
      const rows = items.map((one) => [one.id, one.name ?? "-", one.role_key ?? "none", one.created_at]);
      const head = ["account", "name", "role", "since"];
      terminal.show(items, rows.length > 0 ? table(rows, head) : "There is no such account.");
    }),
  );
  showCommand(accounts);
}

function showCommand(accounts: Command): void {
  const show = accounts
    .command("show")
    .argument("<account>", "the id of an account")
    .option("--limit <number>", "how many members", "100")
    .description("shows an account and its members, the oldest membership first");
  examples(show, ["accounts show account_2hF4hQv8WbZr1Ym6Kc3Td0Ls9Xp"]);
  act(show, (terminal, id: string, options: { limit: string }) =>
    withAccounts(terminal, async (core) => {
      const account = await core.accounts.find(id);
      if (!account)
        throw new CommandError(`There is no account ${id}. List those of a user with accounts list.`);
      const page = { limit: readLimit(options.limit, 1_000), after: null };
      const list = { method: "accounts show", filter: { accountId: id } };
      const [own, { members, nextCursor }] = await Promise.all([
        core.roles.list("account"),
        listMembers(core, id, page, list),
      ]);
      const users = members.map((member) => memberToWire(member, own));
      const rows = users.map((user) => [user.id, user.email ?? "-", user.role_key ?? "none", user.status]);
      const shown = [
        ...[`${id}  ${oneLine(account.name ?? "without a name")}  since ${account.createdAt}`, ""],
        ...table(rows, ["user", "address", "role", "status"]),
        ...(nextCursor === null ? [] : ["There are more members. Raise --limit to list them."]),
      ];
      const { name, createdAt: created_at } = account;
      terminal.show({ id, name, created_at, users }, shown);
    }),
  );
}
