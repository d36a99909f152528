import { useCall } from "#client/react.ts";
import {
  describeKept,
  describeMail,
  describePayment,
  describeReturn,
  endOf,
  type Payment,
  priceOf,
  type Subscription,
  stateOf,
} from "#tools/console/page/billing_words.ts";
import { capital, day, words } from "#tools/console/page/format.ts";
import { nest } from "#tools/console/page/nest.ts";
import { Card, Facts, Failure, Loading, Mark, Rows, When } from "#tools/console/page/parts.tsx";

/** A user's subscriptions, payments and refunds. */
export function Billing({ id }: { id: string }) {
  const { data, error, reload } = useCall(nest, "get_billing_history", { user_id: id });
  const missing = error ? <Failure error={error} retry={reload} /> : <Loading />;
  return (
    <>
      <Card title="Subscriptions">
        {data ? (
          <Rows
            of={data.subscriptions}
            label="Subscriptions"
            empty="The user has no subscription and had none."
          >
            {(one) => <SubscriptionRow of={one} all={data.subscriptions} />}
          </Rows>
        ) : (
          missing
        )}
      </Card>
      <Card title="Payments and refunds">
        {data ? <Payments of={data.payments} retry={reload} /> : missing}
      </Card>
    </>
  );
}

function SubscriptionRow({ of: one, all }: { of: Subscription; all: readonly Subscription[] }) {
  const { tone, text } = stateOf(one);
  return (
    <>
      <div class="title">
        <strong>{one.plan ?? "Unknown plan"}</strong>
        <Mark tone={tone}>{text}</Mark>
      </div>
      <Facts
        of={[
          ["Price", priceOf(one)],
          [endOf(one), day(one.end_date)],
          ["Bought", day(one.created_at)],
          ["Status at Stripe", words(one.status)],
          ["Canceled on", one.cancelled_at && day(one.cancelled_at)],
          ["Rejected on", one.rejected_at && day(one.rejected_at)],
          ["Subscription that was kept", describeKept(one, all)],
          ["Dispute", one.dispute_status && words(one.dispute_status)],
          ["Mails", capital(one.mails.map(describeMail).join("; "))],
          ["Stripe", <code key="id">{one.id}</code>],
        ]}
      />
      {one.returns.map((each) => (
        <p key={each.source} class={each.status === "failed" ? "error" : undefined}>
          {describeReturn(each)}
        </p>
      ))}
    </>
  );
}

const Payments = ({ of: payments, retry }: { of: Payment[] | null; retry: () => void }) =>
  payments === null ? (
    <p class="error" role="alert">
      Stripe does not respond, so payments can't be shown.{" "}
      <button type="button" class="second small" onClick={retry}>
        Try again
      </button>
    </p>
  ) : (
    <Rows of={payments} label="Payments and refunds" empty="Stripe has no payment of this user.">
      {(one) => (
        <>
          <div class="title">
            <span>{describePayment(one)}</span>
            <Mark tone={toneOf(one)}>{capital(words(one.status))}</Mark>
          </div>
          <div>
            <When at={one.created_at} /> <code class="quiet">{one.id}</code>
          </div>
        </>
      )}
    </Rows>
  );

const toneOf = ({ status }: Payment) =>
  ["failed", "disputed"].includes(status) ? "bad" : status === "pending" ? "warn" : "good";
