import { useCall } from "#client/react.ts";
import { datesOf } from "#tools/console/page/dates.ts";
import { Blocks, Events } from "#tools/console/page/history.tsx";
import { List } from "#tools/console/page/list.tsx";
import { nest } from "#tools/console/page/nest.ts";
import { usePages } from "#tools/console/page/pages.ts";
import { Card, Failure, Loading } from "#tools/console/page/parts.tsx";
import { Person } from "#tools/console/page/person.tsx";
import { hrefOf } from "#tools/console/page/route.ts";

interface ElsewhereProps {
  query: string;
  /** Whether a user has the address now. */
  isFound: boolean;
}

/** Where a person may be too: among deleted users, or among people who did not confirm their address. */
export const Elsewhere = ({ query, isFound }: ElsewhereProps) => (
  <>
    <Deleted query={query} isFound={isFound} />
    {!isFound && (
      <Card title="Sent to this address" isWide>
        {/^[^@\s]+@[^@\s]+\.[^@\s]+$|^\+\d{7,}$/.test(query) ? (
          <Sent address={query} />
        ) : (
          <p class="quiet">
            A person who registers has no user until they confirm the address. Type the whole address to see
            what was sent to it.
          </p>
        )}
      </Card>
    )}
  </>
);

/** Deleted users who had the address, also if another user has it now. */
function Deleted({ query, isFound }: ElsewhereProps) {
  const deleted = usePages("list_users", { query, status: "deleted", limit: 10 });
  if (isFound && !deleted.items?.length && deleted.more === null) return null;
  return (
    <Card title="Deleted users" isWide>
      <List
        of={deleted}
        label="Deleted users"
        empty="No user who was deleted in the last 30 days had it. After 30 days, only the audit log names a deleted user, by id."
      >
        {(user) => (
          <>
            <a href={hrefOf("users", user.id)}>{user.match ?? user.id}</a>
            <div class="quiet small">{datesOf(user)}. The user's page shows who deleted them.</div>
          </>
        )}
      </List>
    </Card>
  );
}

function Sent({ address }: { address: string }) {
  const { data, error, reload } = useCall(nest, "get_sign_in_history", { address, limit: 50 });
  if (error !== null) return <Failure error={error} retry={reload} />;
  if (!data) return <Loading />;
  const askers = new Set(data.events.flatMap(({ user_id }) => user_id ?? []));
  const isUnconfirmed = data.events.every(({ code }) => !code.endsWith("_redeemed"));
  return (
    <>
      {[...askers].map((id) => (
        <p key={id}>
          <Person id={id} /> added the address and requested a message to verify it. The page of that user
          shows whether it was verified.
        </p>
      ))}
      {data.events.length > 0 && isUnconfirmed && askers.size === 0 && (
        <p>
          A person who registers has no user until they confirm the address. Nobody has confirmed it with
          these messages.
        </p>
      )}
      <Blocks of={data.blocks} addressOf={(id) => id} />
      <Events of={data.events} />
    </>
  );
}
