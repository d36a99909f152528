import type { Scenario } from "#tests/faults/scenario.ts";
import { SIMPLE } from "#tests/support/nest.ts";
import { V3 } from "#tests/support/plans.ts";
import { giveRole } from "#tests/support/roles.ts";

/** Users whom administrators create and delete. */
export const PEOPLE_SCENARIOS: readonly Scenario[] = [
  {
    path: `${V3}create_user`,
    async prepare({ nest }, address) {
      await giveRole(nest, { key: "created" });
      const asked = {
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
];
