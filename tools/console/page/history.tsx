import type { Responses } from "#client/index.ts";
import type { CallState } from "#client/react.ts";
import { programOf } from "#tools/console/page/devices.ts";
import { capital } from "#tools/console/page/format.ts";
import { describeBlock, foldRedeemed, markOf } from "#tools/console/page/history_words.ts";
import { withClientNames } from "#tools/console/page/names.ts";
import { Card, Failure, Loading, Mark, Rows, When } from "#tools/console/page/parts.tsx";

type SignIns = Responses["get_sign_in_history"];
type Event = SignIns["events"][number];

/** Why a user is signed out, and why a sign-in, a link or a code did not work. */
export const History = ({ of: { data, error, reload } }: { of: CallState<SignIns> }) => (
  <Card title="Sign-ins, links and codes">
    {error !== null && <Failure error={error} retry={reload} />}
    {!data && error === null && <Loading />}
    {data && <Events of={data.events} />}
  </Card>
);

/** What happened to a user or an address. */
export const Events = ({ of: events }: { of: readonly Event[] }) => (
  <Rows
    of={foldRedeemed(events)}
    label="Sign-ins, links and codes"
    empty="Nothing happened in the last 30 days."
  >
    {(event) => <EventRow of={event} />}
  </Rows>
);

function EventRow({ of: event }: { of: Event }) {
  const mark = markOf(event);
  return (
    <>
      <div class="title">
        <span>{withClientNames(capital(event.text))}</span>
        {mark && <Mark tone={mark.tone}>{mark.text}</Mark>}
      </div>
      <div>
        <When at={event.at} />
        {event.user_agent && <span class="quiet small">, {programOf(event.user_agent)}</span>}{" "}
        <code class="quiet">{event.about}</code>
      </div>
    </>
  );
}

interface BlocksProps {
  of: SignIns["blocks"];
  /** The address or number that has an id; undefined: none. */
  addressOf: (id: string) => string | undefined;
}

/** What keeps a user from signing in now. */
export const Blocks = ({ of: blocks, addressOf }: BlocksProps) =>
  blocks.map((block) => (
    <p key={`${block.code} ${block.about}`} class="block">
      {describeBlock(block, addressOf(block.about) ?? null)}
    </p>
  ));
