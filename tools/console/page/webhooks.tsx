import { useEffect, useState } from "preact/hooks";
import type { Responses } from "#client/index.ts";
import { useCall } from "#client/react.ts";
import { AboutWhom } from "#tools/console/page/about_whom.tsx";
import { Act } from "#tools/console/page/act.tsx";
import { describeAttempt, describeDelivery, lastTriedAt } from "#tools/console/page/delivery_words.ts";
import { capital, time, words } from "#tools/console/page/format.ts";
import { List } from "#tools/console/page/list.tsx";
import { useMay } from "#tools/console/page/me.ts";
import { nest } from "#tools/console/page/nest.ts";
import { usePages } from "#tools/console/page/pages.ts";
import { Card, Facts, Failure, Loading, Mark, Missing, Rows } from "#tools/console/page/parts.tsx";
import { Person } from "#tools/console/page/person.tsx";
import { hrefOf } from "#tools/console/page/route.ts";
import { settings } from "#tools/console/page/settings.ts";

type Webhook = Responses["list_webhooks"]["items"][number];
type Delivery = Responses["list_webhook_deliveries"]["items"][number];

/** The webhooks of the app, or the deliveries of one of them. @param id of a webhook, if the URL names one */
export const Webhooks = ({ id }: { id: string | undefined }) =>
  useMay("webhooks.manage") ? (
    <WebhookList id={id} />
  ) : (
    <main>
      <Card title="Webhooks" isWide>
        <Missing capability="webhooks.manage" />
      </Card>
    </main>
  );

function WebhookList({ id }: { id: string | undefined }) {
  const { data, error, reload } = useCall(nest, "list_webhooks");
  const chosen = data?.items.find((one) => one.id === id);
  useEffect(() => {
    document.title = `Webhooks, ${settings.app} console`;
  }, []);
  return (
    <main>
      <section class="card wide" aria-labelledby="webhooks-title">
        <h1 id="webhooks-title">Webhooks</h1>
        {error !== null && <Failure error={error} retry={reload} />}
        {!data && error === null && <Loading />}
        {data && (
          <Rows
            of={data.items}
            label="Webhooks"
            empty="No webhook is registered. Create one with create_webhook."
          >
            {(one) => <WebhookRow of={one} />}
          </Rows>
        )}
      </section>
      {chosen && <Deliveries key={chosen.id} of={chosen} />}
    </main>
  );
}

const DISABLED_BECAUSE = {
  gone: "Disabled: its receiver answered 410",
  failing: "Disabled: every delivery failed for 5 days",
};

function WebhookState({ of: { enabled, disabled_reason, failing_since } }: { of: Webhook }) {
  if (!enabled)
    return <Mark tone="bad">{disabled_reason ? DISABLED_BECAUSE[disabled_reason] : "Disabled"}</Mark>;
  return failing_since === null ? <Mark tone="good">Works</Mark> : <Mark tone="warn">Fails</Mark>;
}

const WebhookRow = ({ of: one }: { of: Webhook }) => (
  <>
    <div class="title">
      <a href={hrefOf("webhooks", one.id)}>{one.url}</a>
      <WebhookState of={one} />
    </div>
    <div class="quiet small">
      {one.description && `${one.description}. `}
      {one.events.includes("*") ? "All events" : one.events.join(", ")}
      {one.failing_since && `. Failing since ${time(one.failing_since)}`}
    </div>
  </>
);

function Deliveries({ of: webhook }: { of: Webhook }) {
  const [about, setAbout] = useState<string | null>(null);
  const asked = { webhook_id: webhook.id, limit: 25, ...(about !== null && { user_id: about }) };
  const pages = usePages("list_webhook_deliveries", asked);
  return (
    <Card title={`Deliveries to ${webhook.url}`} isWide>
      <AboutWhom choose={setAbout} />
      <List
        of={pages}
        label="Deliveries"
        empty={`Nothing ${about === null ? "" : "about this user "}was delivered in the last 30 days.`}
      >
        {(one) => <DeliveryRow of={one} reload={pages.reload} />}
      </List>
    </Card>
  );
}

const TONES = { succeeded: "good", pending: "warn", failed: "bad", abandoned: "over" } as const;

function DeliveryRow({ of: one, reload }: { of: Delivery; reload: () => void }) {
  return (
    <>
      <div class="title">
        <strong>{one.event}</strong>
        <Mark tone={TONES[one.status as keyof typeof TONES] ?? "warn"}>{capital(words(one.status))}</Mark>
      </div>
      <div>{describeDelivery(one)}</div>
      {one.target && <About of={one.target} user={one.user_id} />}
      <div>
        <span class="quiet small">
          Event of {time(one.created_at)}
          {lastTriedAt(one) && `, last tried at ${time(lastTriedAt(one) ?? "")}`}
        </span>{" "}
        <code class="quiet">{one.message_id}</code>
      </div>
      {one.attempts.length > 0 && (
        <details>
          <summary>Attempts: {one.attempts.length}</summary>
          <Facts of={one.attempts.map((attempt) => [time(attempt.at), describeAttempt(attempt)] as const)} />
        </details>
      )}
      {one.next_attempt_at && <div class="quiet small">Next attempt {time(one.next_attempt_at)}</div>}
      <Act
        label="Send again"
        about={`${one.event} of ${time(one.created_at)}`}
        question={`Send ${one.event} again? The message keeps its id, so that the receiver can recognize it.`}
        confirm="Send again"
        run={() => nest.call("retry_webhook_delivery", { delivery_id: one.id })}
        done={reload}
      />
    </>
  );
}

/** Whom and what a message is about. A message about a user has the same id twice. */
const About = ({ of: { type, id }, user }: { of: NonNullable<Delivery["target"]>; user: string | null }) => (
  <div>
    {user !== null && (
      <>
        User <Person id={user} />{" "}
      </>
    )}
    {id !== user && (
      <span class="quiet">
        {capital(type)} <code>{id}</code>
      </span>
    )}
  </div>
);
