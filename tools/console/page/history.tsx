import { useCall } from "#client/react.ts";
import { capital } from "#tools/console/page/format.ts";
import { nest } from "#tools/console/page/nest.ts";
import { Card, Failure, Loading, Rows, When } from "#tools/console/page/parts.tsx";

/** Why a user is signed out, and why a link or a code did not work. */
export function History({ id }: { id: string }) {
  const { data, error, reload } = useCall(nest, "get_sign_in_history", { user_id: id, limit: 30 });
  return (
    <Card title="Sign-ins, links and codes">
      {error !== null && <Failure error={error} retry={reload} />}
      {!data && error === null && <Loading />}
      {data && (
        <Rows
          of={data.events}
          label="Sign-ins, links and codes"
          empty="Nothing happened in the last 30 days."
        >
          {({ text, at, about }) => (
            <>
              <div>{capital(text)}</div>
              <div>
                <When at={at} /> <code class="quiet">{about}</code>
              </div>
            </>
          )}
        </Rows>
      )}
    </Card>
  );
}
