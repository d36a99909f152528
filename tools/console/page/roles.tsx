import { useState } from "preact/hooks";
import type { Responses } from "#client/index.ts";
import { useCall } from "#client/react.ts";
import { Act } from "#tools/console/page/act.tsx";
import { nameOf } from "#tools/console/page/names.ts";
import { nest } from "#tools/console/page/nest.ts";
import { Card, Failure, Loading } from "#tools/console/page/parts.tsx";

type User = Responses["get_user"];

/** Every user has it. */
const EVERYBODY = "user";

/** Gives roles to a user and takes them. */
export function Roles({ user, reload }: { user: User; reload: () => void }) {
  const { data, error, reload: again } = useCall(nest, "list_roles", { scope: "platform" });
  return (
    <Card title="Roles">
      {error !== null && <Failure error={error} retry={again} />}
      {!data && error === null && <Loading />}
      {data && <Choice key={user.roles.join()} user={user} roles={data.items} reload={reload} />}
    </Card>
  );
}

interface ChoiceProps {
  user: User;
  roles: Responses["list_roles"]["items"];
  reload: () => void;
}

function Choice({ user, roles, reload }: ChoiceProps) {
  const [chosen, setChosen] = useState<string[]>(user.roles);
  const toggle = (key: string) =>
    setChosen((last) => (last.includes(key) ? last.filter((one) => one !== key) : [...last, key]));
  const given = chosen.filter((key) => !user.roles.includes(key));
  const taken = user.roles.filter((key) => !chosen.includes(key));
  const change = [
    given.length > 0 && `get: ${given.join(", ")}`,
    taken.length > 0 && `lose: ${taken.join(", ")}`,
  ].filter((part) => part !== false);
  return (
    <>
      {roles
        .filter(({ key }) => key !== EVERYBODY)
        .map(({ key, name, capabilities }) => (
          <label key={key} class="choice">
            <input type="checkbox" checked={chosen.includes(key)} onChange={() => toggle(key)} />
            <span>
              {name} <code>{key}</code>
              <span class="quiet small below">{capabilities.join(", ") || "No capability"}</span>
            </span>
          </label>
        ))}
      {change.length > 0 && (
        <Act
          label="Save roles"
          question={`${nameOf(user)} will ${change.join(", and ")}. The change counts from the user's next call on.`}
          confirm="Save roles"
          run={() => nest.call("set_user_roles", { user_id: user.id, roles: chosen })}
          done={reload}
        />
      )}
    </>
  );
}
