import type { Responses } from "#client/index.ts";
import { day } from "#tools/console/page/format.ts";
import { Card, Mark } from "#tools/console/page/parts.tsx";

type Identifier = Responses["get_user"]["identifiers"][number];

/** The addresses and numbers that a user has or had. */
export const Identifiers = ({ user }: { user: Responses["get_user"] }) => (
  <Card title="Addresses and numbers">
    <ul class="list">
      {user.identifiers.map((one) => (
        <li key={one.id}>
          <div class="title">
            <span>{one.identifier_value}</span>
            <State of={one} />
          </div>
          <div class="quiet small">{historyOf(one)}</div>
        </li>
      ))}
    </ul>
  </Card>
);

function State({ of: { removed_at, is_pending, verified_at, is_primary } }: { of: Identifier }) {
  if (removed_at !== null) return <Mark tone="over">Removed</Mark>;
  if (is_pending) return <Mark tone="warn">Not verified yet</Mark>;
  if (verified_at === null) return <Mark tone="warn">Not verified</Mark>;
  return <Mark tone="good">{is_primary ? "Primary" : "Verified"}</Mark>;
}

function historyOf({ created_at, verified_at, removed_at }: Identifier): string {
  const steps = [
    `Added ${day(created_at)}`,
    verified_at && `verified ${day(verified_at)}`,
    removed_at && `removed ${day(removed_at)}`,
  ];
  return steps.filter((step) => step !== null).join(", ");
}
