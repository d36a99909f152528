import type { Command } from "commander";
import { ALL_RIGHTS } from "#core/capabilities.ts";
import { BY_OPERATOR } from "#core/events/event_source.ts";
import { findUserId } from "#core/personal_data/find_person.ts";
import { allRoles, rolesOf } from "#core/roles/rights.ts";
import { setUserRoles } from "#core/roles/set_user_roles.ts";
import { withAccounts } from "#tools/operator/with_accounts.ts";
import { act, examples } from "#tools/terminal/command.ts";
import { CommandError } from "#tools/terminal/errors.ts";

/** `users grant`. */
export function roleCommands(users: Command): void {
  const grant = users
    .command("grant")
    .argument("<user>", "a user id, email address or phone number with its plus sign")
    .argument("<role>", "the key of a platform role, such as admin")
    .description("adds a platform role to a user");
  examples(grant, ["users grant ada@example.com admin"]);
  act(grant, (terminal, who: string, role: string) =>
    withAccounts(terminal, async (core) => {
      const userId = await findUserId(core, who);
      const [found, known] = await Promise.all([core.users.find(userId), core.roles.list("platform")]);
      const keysOfAll = allRoles(known)
        .filter(({ scope }) => scope === "platform")
        .map(({ key }) => key);
      if (!keysOfAll.includes(role))
        throw new CommandError(`No platform role \`${role}\`. Platform roles: ${keysOfAll.join(", ")}.`);
      const keys = [...rolesOf(found ?? {}, known).map(({ key }) => key), role];
      const administrator = { rights: ALL_RIGHTS, source: BY_OPERATOR };
      const { user, own } = await setUserRoles(core, { userId, keys }, administrator);
      const roles = rolesOf(user, own).map(({ key }) => key);
      terminal.show({ user_id: userId, roles }, `${userId} has the roles ${roles.join(", ")}.`);
    }),
  );
}
