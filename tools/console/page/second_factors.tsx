import type { Responses } from "#client/index.ts";
import { useCall } from "#client/react.ts";
import { Act } from "#tools/console/page/act.tsx";
import { day, time } from "#tools/console/page/format.ts";
import { useMay } from "#tools/console/page/me.ts";
import { nameOf } from "#tools/console/page/names.ts";
import { nest } from "#tools/console/page/nest.ts";
import { Card, Failure, Loading, Mark } from "#tools/console/page/parts.tsx";

type User = Responses["get_user"];
type Factor = Responses["list_mfa_factors"]["items"][number];

const TYPES: Readonly<Record<string, string>> = {
  totp: "Authenticator app",
  sms: "Code by SMS",
  email: "Code by mail",
  webauthn: "Passkey",
};

/** What a user presents after the first step of a sign-in, and the accounts at providers that they sign in with. */
export function SecondFactors({ user }: { user: User }) {
  const { data, error, reload } = useCall(nest, "list_mfa_factors", { user_id: user.id });
  const left = data?.recovery_codes_left ?? 0;
  return (
    <Card title="Second factors">
      {error !== null && <Failure error={error} retry={reload} />}
      {!data && error === null && <Loading />}
      {data?.items.length === 0 && <p class="quiet">None: the user signs in with one step.</p>}
      {data && data.items.length > 0 && (
        <>
          <ul class="list" aria-label="Second factors">
            {data.items.map((one) => (
              <li key={one.id}>
                <FactorRow of={one} user={user} reload={reload} />
              </li>
            ))}
          </ul>
          <p class="quiet small">
            {left === 1 ? "1 recovery code is" : `${left} recovery codes are`} left. Each replaces a second
            factor once.
          </p>
        </>
      )}
      <LinkedAccounts id={user.id} />
    </Card>
  );
}

function FactorRow({ of: one, user, reload }: { of: Factor; user: User; reload: () => void }) {
  const may = useMay("users.write");
  const type = TYPES[one.factor_type] ?? one.factor_type;
  const used = one.last_used_at ? `last used ${time(one.last_used_at)}` : "not used yet";
  return (
    <>
      <div class="title">
        <span>{[type, one.name, one.hint].filter((part) => part !== null).join(", ")}</span>
        {one.status === "pending" && <Mark tone="warn">Not confirmed yet</Mark>}
        {may && one.status === "active" && (
          <Act
            label="Remove"
            about={`the second factor of ${time(one.created_at)}`}
            question={`Remove this second factor of ${nameOf(user)}? First verify the person's identity: a thief of the password would ask the same. All sessions of the user end, and their verified addresses get a notice.`}
            confirm="Remove second factor"
            run={() => nest.call("remove_mfa_factor", { user_id: user.id, factor_id: one.id })}
            done={reload}
          />
        )}
      </div>
      <div class="quiet small">
        Added {day(one.created_at)}, {used}
      </div>
    </>
  );
}

function LinkedAccounts({ id }: { id: string }) {
  const { data, error, reload } = useCall(nest, "list_oauth_identities", { user_id: id });
  if (error !== null) return <Failure error={error} retry={reload} />;
  if (!data || data.items.length === 0) return null;
  return (
    <>
      <h3>Signs in with an account at</h3>
      <ul class="list" aria-label="Linked accounts">
        {data.items.map(({ id: key, provider, email, linked_at, last_used_at }) => (
          <li key={key}>
            <span>{[provider, email].filter((part) => part !== null).join(", ")}</span>
            <div class="quiet small">
              Linked {day(linked_at)}, {last_used_at ? `last used ${time(last_used_at)}` : "not used yet"}
            </div>
          </li>
        ))}
      </ul>
    </>
  );
}
