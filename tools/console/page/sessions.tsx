import type { Responses } from "#client/index.ts";
import { Act } from "#tools/console/page/act.tsx";
import { methodsOf, platformOf, programOf } from "#tools/console/page/devices.ts";
import { time } from "#tools/console/page/format.ts";
import { List } from "#tools/console/page/list.tsx";
import { useMay } from "#tools/console/page/me.ts";
import { clientNameOf, nameOf } from "#tools/console/page/names.ts";
import { nest } from "#tools/console/page/nest.ts";
import { usePages } from "#tools/console/page/pages.ts";
import { Card, Mark, Missing } from "#tools/console/page/parts.tsx";

type Session = Responses["list_sessions"]["items"][number];

/** The devices on which a user is signed in. */
export function Sessions({ user }: { user: Responses["get_user"] }) {
  const may = useMay("sessions.manage");
  const pages = usePages("list_sessions", may ? { user_id: user.id, limit: 10 } : null);
  const name = nameOf(user);
  return (
    <Card
      title="Sessions"
      action={
        (pages.items?.length ?? 0) > 0 && (
          <Act
            label="End all sessions"
            question={`Sign ${name} out on every device? The user can sign in again.`}
            confirm="End all sessions"
            run={() => nest.call("revoke_all_sessions", { user_id: user.id })}
            done={pages.reload}
          />
        )
      }
    >
      {may ? (
        <List of={pages} label="Sessions" empty="The user is signed in nowhere.">
          {(one) => <SessionRow of={one} user={user} reload={pages.reload} />}
        </List>
      ) : (
        <Missing capability="sessions.manage" />
      )}
    </Card>
  );
}

function SessionRow({
  of: one,
  user,
  reload,
}: {
  of: Session;
  user: Responses["get_user"];
  reload: () => void;
}) {
  const program = one.user_agent === null ? "Unknown device" : programOf(one.user_agent);
  const where = one.device ? platformOf(one.device.platform) : program;
  return (
    <>
      <div class="title">
        <span>{where}</span>
        {one.current ? (
          <Mark tone="good">This session</Mark>
        ) : (
          <Act
            label="End"
            about={`the session of ${time(one.created_at)}`}
            question={`End the session of ${nameOf(user)} on ${where}, started ${time(one.created_at)}?`}
            confirm="End session"
            run={() => nest.call("revoke_session", { user_id: user.id, session_id: one.id })}
            done={reload}
          />
        )}
      </div>
      <div class="quiet small">
        Signed in {time(one.auth_time)} with {methodsOf(one.amr)}, last used {time(one.last_used_at)}, from{" "}
        {one.ip}, with {clientNameOf(one.client_id)}
      </div>
      {one.user_agent && (
        <details>
          <summary class="quiet small">
            User agent<span class="unseen"> of the session of {time(one.created_at)}</span>
          </summary>
          <span class="small">{one.user_agent}</span>
        </details>
      )}
    </>
  );
}
