import { completeDeletion } from "#core/administration/complete_deletion.ts";
import { byJob } from "#core/events/event_source.ts";
import { type Scenario, signIn } from "#tests/faults/scenario.ts";
import { SIMPLE } from "#tests/support/nest.ts";
import { V3 } from "#tests/support/plans.ts";
import { giveRole } from "#tests/support/roles.ts";

/** Users whom administrators create and delete. */
export const PEOPLE_SCENARIOS: readonly Scenario[] = [
  {
    path: `${V3}create_user`,
    async prepare({ nest }, address) {
      await giveRole(nest, { key: "created" });
      const head = await signIn(nest, `head.${address}`);
      const asked = {
        account_id: head.user_id.replace("user_", "account_"),
        ...{ client_id: SIMPLE, identifier_type: "email", identifier_value: address },
        ...{ name: "Ada", metadata: { team: "blue" }, roles: ["created"] },
      };
      return async () => {
        const reply = await nest.call(`${V3}create_user`, asked, { internal: true });
        if (reply.status !== 409) return reply;
        // The response was lost, and the call went on to its end: the user is complete.
        const complete = { identifierValue: address, registration: { $exists: false } };
        const isComplete = (await nest.collection("identifiers").findOne(complete)) !== null;
        return isComplete ? { ...reply, status: 200 } : reply;
      };
    },
  },
  {
    path: `${V3}delete_user`,
    async prepare({ nest }, address) {
      const { user_id } = await signIn(nest, address);
      return () => nest.call(`${V3}delete_user`, { user_id }, { internal: true });
    },
  },
  {
    path: `${V3}delete_user`,
    kind: "oneself",
    async prepare({ nest }, address) {
      const { user_id, access_token: bearer } = await signIn(nest, address);
      return async () => {
        const reply = await nest.call(`${V3}delete_user`, undefined, { bearer });
        if (reply.status !== 401) return reply;
        const user = await nest.gateway.core.users.find(user_id);
        if (user?.status !== "deleted") return reply;
        // The response was lost. The job completes what the call has left.
        await completeDeletion({ ...nest.gateway.core, stripe: null }, user, byJob("erase_deleted_users"));
        return { ...reply, status: 200 };
      };
    },
  },
];
