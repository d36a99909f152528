import { useEffect } from "preact/hooks";
import type { Responses } from "#client/index.ts";
import { useCall } from "#client/react.ts";
import { Act } from "#tools/console/page/act.tsx";
import { Audit } from "#tools/console/page/audit.tsx";
import { Billing } from "#tools/console/page/billing.tsx";
import { StatusMark } from "#tools/console/page/find_user.tsx";
import { time } from "#tools/console/page/format.ts";
import { Blocks, History } from "#tools/console/page/history.tsx";
import { blockedStatus, describePassword } from "#tools/console/page/history_words.ts";
import { Identifiers } from "#tools/console/page/identifiers.tsx";
import { useMay, useMyId } from "#tools/console/page/me.ts";
import { nameOf } from "#tools/console/page/names.ts";
import { nest } from "#tools/console/page/nest.ts";
import { Facts, Failure, Loading } from "#tools/console/page/parts.tsx";
import { Roles } from "#tools/console/page/roles.tsx";
import { hrefOf } from "#tools/console/page/route.ts";
import { SecondFactors } from "#tools/console/page/second_factors.tsx";
import { Sessions } from "#tools/console/page/sessions.tsx";
import { settings } from "#tools/console/page/settings.ts";

type User = Responses["get_user"];

/** Everything about one user. */
export function UserPage({ id }: { id: string }) {
  const { data: user, error, reload } = useCall(nest, "get_user", { user_id: id });
  const signIns = useCall(nest, "get_sign_in_history", { user_id: id, limit: 50 });
  const reloadAll = () => {
    reload();
    signIns.reload();
  };
  const mayManageRoles = useMay("roles.manage");
  const name = user ? nameOf(user) : id;
  useEffect(() => {
    document.title = `${name}, ${settings.app} console`;
  }, [name]);
  return (
    <main>
      <p class="wide">
        <a href={hrefOf("users")}>All users</a>
      </p>
      {error !== null && <Failure error={error} retry={reload} />}
      {!user && error === null && <Loading />}
      {user && (
        <>
          <Summary user={user} reload={reloadAll} signIns={signIns.data} />
          <div class="column">
            <Identifiers user={user} />
            {/* A change of the status ends sessions, so the list is read again. */}
            <Sessions key={`sessions ${user.status}`} user={user} />
            {user.status !== "deleted" && <SecondFactors user={user} />}
            <Billing id={id} />
          </div>
          <div class="column">
            <History of={signIns} />
            <Audit user={user} />
            {mayManageRoles && <Roles user={user} reload={reload} />}
          </div>
        </>
      )}
    </main>
  );
}

interface SummaryProps {
  user: User;
  reload: () => void;
  /** Undefined until it was read. */
  signIns: Responses["get_sign_in_history"] | undefined;
}

function Summary({ user, reload, signIns }: SummaryProps) {
  const blocks = signIns?.blocks ?? [];
  const addressOf = (id: string) => user.identifiers.find((one) => one.id === id)?.identifier_value;
  return (
    <section class="card wide" aria-labelledby="user-title">
      <div class="title">
        <h1 id="user-title">{nameOf(user)}</h1>
        <StatusMark status={user.status} blocked={blockedStatus(blocks)} />
      </div>
      <Blocks of={blocks} addressOf={addressOf} />
      {isUnconfirmed(user) && (
        <p class="block">
          The user has verified no address or number. An administrator created the user, or the user
          registered and never opened the link or entered the code.
          {signIns?.events.some(({ code }) => code === "mail_returned") &&
            " A mail to the user was returned."}
        </p>
      )}
      <Facts
        of={[
          ["User", <code key="id">{user.id}</code>],
          ["Name", user.name],
          ["Created", time(user.created_at)],
          ["Disabled", user.disabled_at && time(user.disabled_at)],
          ["Deleted", user.deleted_at && time(user.deleted_at)],
          ["Roles", user.roles.join(", ")],
          ["Password", user.status === "deleted" ? null : describePassword(user.has_password, blocks)],
          ["Language", user.locale],
          ["Account", <code key="account">{user.account_id}</code>],
          ...Object.entries(user.metadata as Record<string, string>),
        ]}
      />
      <div class="row">
        <ChangeStatus user={user} reload={reload} />
      </div>
    </section>
  );
}

/** Whether nobody has proved an address or number of a user yet. */
const isUnconfirmed = ({ status, identifiers }: User) =>
  status !== "deleted" && identifiers.every(({ verified_at }) => verified_at === null);

/** Disables a user, or lets them sign in again. */
function ChangeStatus({ user, reload }: { user: User; reload: () => void }) {
  const may = useMay("users.write");
  const isMe = useMyId() === user.id;
  const name = nameOf(user);
  if (!may || isMe || user.status === "deleted") return null;
  const change = (status: "active" | "disabled") => nest.call("update_user", { user_id: user.id, status });
  return user.status === "active" ? (
    <Act
      label="Disable user"
      question={`Disable ${name}? All sessions of the user end at once, and nothing signs the user in until you make the user active again. A subscription goes on: Stripe charges for it until you cancel it there.`}
      confirm="Disable user"
      run={() => change("disabled")}
      done={reload}
    />
  ) : (
    <Act
      label="Make active"
      question={`Let ${name} sign in again? The user's old sessions stay ended.`}
      confirm="Make active"
      run={() => change("active")}
      done={reload}
    />
  );
}
