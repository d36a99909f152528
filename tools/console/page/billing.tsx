import type { Responses } from "#client/index.ts";
import { useCall } from "#client/react.ts";
import { capital, day, money, words } from "#tools/console/page/format.ts";
import { nest } from "#tools/console/page/nest.ts";
import { Card, Facts, Failure, Loading, Mark, Rows, When } from "#tools/console/page/parts.tsx";

type Subscription = Responses["get_billing_history"]["subscriptions"][number];
type Payment = NonNullable<Responses["get_billing_history"]["payments"]>[number];

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
            {(one) => <SubscriptionRow of={one} />}
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

const ENDED = ["canceled", "incomplete_expired", "unpaid"];

function stateOf(one: Subscription): { tone: "good" | "warn" | "bad" | "over"; text: string } {
  if (one.rejected_at !== null) return { tone: "over", text: capital(one.rejected_as ?? "rejected") };
  if (ENDED.includes(one.status)) return { tone: "over", text: "Ended" };
  if (one.cancel_at !== null) return { tone: "warn", text: "Canceled" };
  if (!one.is_current) return { tone: "bad", text: `${capital(words(one.status))}, no access` };
  return { tone: one.status === "past_due" ? "bad" : "good", text: capital(words(one.status)) };
}

function SubscriptionRow({ of: one }: { of: Subscription }) {
  const { tone, text } = stateOf(one);
  return (
    <>
      <div class="title">
        <strong>{one.plan ?? "Unknown plan"}</strong>
        <Mark tone={tone}>{text}</Mark>
      </div>
      <Facts
        of={[
          ["Status at Stripe", words(one.status)],
          ["Bought", day(one.created_at)],
          [one.is_current ? "Access until" : "Access ended or ends", day(one.end_date)],
          ["Canceled on", one.cancelled_at && day(one.cancelled_at)],
          ["Rejected on", one.rejected_at && day(one.rejected_at)],
          ["Kept subscription", one.kept_id],
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

const describeMail = ({ kind, sent_at }: Subscription["mails"][number]) =>
  `${words(kind)} ${sent_at === null ? "waits" : `sent ${day(sent_at)}`}`;

const RETURN_STATES: Readonly<Record<string, string>> = {
  planned: "Nest sends it to Stripe soon",
  disputed: "waits, because the bank holds the payment in a dispute",
  pending: "Stripe has it and waits for the bank",
  done: "done",
  failed: "failed: an operator must act",
};

function describeReturn({
  amount,
  currency,
  to,
  status,
  returned_at,
  failure,
}: Subscription["returns"][number]) {
  const what = to === "balance" ? "Credit to the balance" : "Refund";
  const when = returned_at === null ? "" : ` on ${day(returned_at)}`;
  return `${what} of ${money(amount, currency)}: ${RETURN_STATES[status] ?? status}${when}${failure ? ` (${failure})` : ""}.`;
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

function describePayment({ type, amount, currency, reason }: Payment): string {
  const value = money(Math.abs(amount), currency);
  const why = reason === null ? "" : `: ${words(reason)}`;
  if (type === "payment") return `Payment of ${value}${why}`;
  if (type === "refund") return `Refund of ${value}${why}`;
  return `${amount < 0 ? "Credit" : "Use of the balance"} of ${value}${why}`;
}
