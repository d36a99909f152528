import type { ComponentChildren } from "preact";
import { useContext, useEffect, useId, useState } from "preact/hooks";
import { messageOf } from "#client/messages.ts";
import { needsProof } from "#tools/console/page/acts.ts";
import { time } from "#tools/console/page/format.ts";
import { WithheldContext } from "#tools/console/page/me.ts";

interface CardProps {
  title: string;
  /** Stands beside the title. */
  action?: ComponentChildren;
  isWide?: boolean;
  children: ComponentChildren;
}

/** A part of a page, with a title. */
export function Card({ title, action, isWide, children }: CardProps) {
  const id = useId();
  return (
    <section class={isWide ? "card wide" : "card"} aria-labelledby={id}>
      <div class="title">
        <h2 id={id}>{title}</h2>
        {action}
      </div>
      {children}
    </section>
  );
}

/** A status, in a color that repeats what its text says. */
export const Mark = ({ tone, children }: { tone: "good" | "warn" | "bad" | "over"; children: string }) => (
  <span class={`mark ${tone}`}>{children}</span>
);

export const When = ({ at }: { at: string }) => (
  <time class="quiet small" dateTime={at}>
    {time(at)}
  </time>
);

interface RowsProps<Item> {
  of: readonly Item[];
  /** Names the list to screen readers. */
  label: string;
  /** What an empty list says. */
  empty: string;
  children: (item: Item) => ComponentChildren;
}

/** Items of a list that are shown at first. */
const FIRST = 8;

/** A list that was read whole. Long lists begin short, so that the other parts of the page stay in view. */
export function Rows<Item>({ of, label, empty, children }: RowsProps<Item>) {
  const [isWhole, setWhole] = useState(false);
  if (of.length === 0) return <p class="quiet">{empty}</p>;
  const shown = isWhole ? of : of.slice(0, FIRST);
  return (
    <>
      <ul class="list" aria-label={label}>
        {shown.map((item, index) => (
          <li key={`${index} of ${of.length}`}>{children(item)}</li>
        ))}
      </ul>
      {shown.length < of.length && (
        <button type="button" class="second small" onClick={() => setWhole(true)}>
          Show all {of.length}
        </button>
      )}
    </>
  );
}

/** Pairs of a name and a value. A null value is left out. */
export const Facts = ({ of }: { of: readonly (readonly [string, ComponentChildren])[] }) => (
  <dl>
    {of
      .filter(([, value]) => value !== null && value !== "")
      .map(([name, value]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd>{value}</dd>
        </div>
      ))}
  </dl>
);

/** The sentences that a console words differently than an app. */
const MESSAGES = {
  user_not_found: "No user has this id. The user may have been deleted.",
  unauthorized: "You are signed out. Sign in again.",
  mfa_token_expired: "This took too long, or too many codes were wrong. Begin again.",
  factor_type_not_allowed: "An authenticator app can't be added here. Add a second factor in the app.",
  capability_escalation:
    "This needs a role that allows at least as much as the user's roles. Ask an administrator.",
};

/** What an error says to the person who uses the console. */
export const sentenceOf = (error: unknown) => messageOf(error, { messages: MESSAGES });

/** An error, and a button that tries again. Where only a second factor is missing, the whole page asks for it. */
export function Failure({ error, retry }: { error: unknown; retry?: () => void }) {
  const withhold = useContext(WithheldContext);
  const isWithheld = retry !== undefined && needsProof(error);
  useEffect(() => {
    if (isWithheld) withhold(retry);
  }, [error]);
  if (isWithheld) return <Loading />;
  return (
    <p class="error" role="alert">
      {sentenceOf(error)}{" "}
      {retry && (
        <button type="button" class="second small" onClick={retry}>
          Try again
        </button>
      )}
    </p>
  );
}

interface ButtonProps {
  type?: "button" | "submit";
  class?: string;
  isBusy?: boolean;
  onClick?: () => void;
  children: ComponentChildren;
}

/** A button that keeps the focus while its act runs: `useActs` runs no second one. */
export const Button = ({ type = "button", isBusy = false, ...rest }: ButtonProps) => (
  <button type={type} aria-disabled={isBusy} {...rest} />
);

/** Moves the focus to an element when it appears: what had it before is gone. */
export const focus = (element: HTMLElement | null) => element?.focus();

/** The title of a step, which takes the focus when the step begins. */
export const Title = ({ children }: { children: string }) => (
  <h1 tabIndex={-1} ref={focus}>
    {children}
  </h1>
);

export const Loading = () => <p class="quiet">Loading</p>;

/** Stands in place of a part that the signed-in person may not see. */
export const Missing = ({ capability }: { capability: string }) => (
  <p class="quiet">
    You need the capability <code>{capability}</code> to see this. Ask an administrator for a role that has
    it.
  </p>
);
