import type { ComponentChildren } from "preact";
import { useEffect, useState } from "preact/hooks";
import { codeOf } from "#tools/console/page/acts.ts";
import { nest } from "#tools/console/page/nest.ts";
import { Failure, Loading } from "#tools/console/page/parts.tsx";
import { type Challenge, SecondStep } from "#tools/console/page/second_step.tsx";

interface ProveProps {
  /** Says why, as for `SecondStep`. */
  why: ComponentChildren;
  /** Stands in place of all if the person has no second factor. */
  without: ComponentChildren;
  confirm: string;
  /** Called when the session is fresh, and has a second factor. */
  done: () => void;
  children?: ComponentChildren;
}

/** Lets the signed-in person present a second factor, for what their session may not do without it. */
export function Prove({ why, without, confirm, done, children }: ProveProps) {
  const [challenge, setChallenge] = useState<Challenge | null>(null);
  const [error, setError] = useState<unknown>(null);
  const open = () => void nest.call("create_mfa_challenge").then(setChallenge, setError);
  useEffect(open, []);
  const end = (refused: unknown) => {
    setError(refused);
    if (refused === null) return done();
    setChallenge(null);
    open();
  };
  const again = () => {
    setError(null);
    open();
  };
  if (codeOf(error) === "mfa_not_enabled") return <>{without}</>;
  return (
    <>
      {challenge ? (
        <SecondStep {...{ of: challenge, why, confirm, failed: error, end }} />
      ) : error === null ? (
        <Loading />
      ) : (
        <Failure error={error} retry={again} />
      )}
      {children}
    </>
  );
}
