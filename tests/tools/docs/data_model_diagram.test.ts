import { expect, test } from "vitest";
import { dataModelDiagram } from "#tools/docs/data_model_diagram.ts";

const text = (name: string) => ({ name, type: "string" });

test("the diagram of the data model connects a field with the collection whose documents it names", () => {
  const diagram = dataModelDiagram(
    new Map([
      ["access_tokens", { name: "AccessToken", fields: [text("_id"), text("sessionId")] }],
      ["sessions", { name: "Session", fields: [text("_id"), text("userId"), text("clientId")] }],
      ["subscriptions", { name: "Subscription", fields: [text("userId"), text("stpSubscriptionId")] }],
      [
        "users",
        {
          name: "User",
          fields: [text("keptSubscriptionId"), { name: "replacedSubscriptionIds", type: "string[]" }],
        },
      ],
    ]),
  );
  expect(diagram.split("\n").filter((line) => line.includes(" : "))).toEqual([
    "  sessions ||--o{ access_tokens : sessionId",
    "  users ||--o{ sessions : userId",
    "  users ||--o{ subscriptions : userId",
    "  subscriptions ||--o{ users : keptSubscriptionId",
    "  subscriptions }o--o{ users : replacedSubscriptionIds",
  ]);
  expect(diagram).toContain("  sessions {\n    string _id PK\n    string userId FK\n  }\n");
});
