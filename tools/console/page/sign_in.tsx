import { useEffect, useState } from "preact/hooks";
import { useActs } from "#tools/console/page/acts.ts";
import { nest } from "#tools/console/page/nest.ts";
import { Button, Failure } from "#tools/console/page/parts.tsx";
import { settings } from "#tools/console/page/settings.ts";

/** Where a person who asked for a link finds it. */
const Sent = ({ address }: { address: string }) => (
  <p role="status">
    A link was sent to {address}. Open it in this browser. It works once, for 20 minutes.
    {settings.inbox && (
      <>
        {" "}
        Emails stay on this machine: open the link in{" "}
        <a href={settings.inbox} target="_blank" rel="noopener">
          the inbox
        </a>
        .
      </>
    )}
  </p>
);

/** Sends a magic link to an address. */
function useLink() {
  const [sentTo, setSentTo] = useState<string | null>(null);
  const { error, isBusy, run } = useActs();
  const send = (address: string) =>
    run(async () => {
      setSentTo(null);
      await nest.sendMagicLink(address);
      setSentTo(address);
    });
  return { sentTo, error, isBusy, send };
}

interface SignInProps {
  /** Why the last link did not sign in, or null. */
  failed: unknown;
  /** Uses the last link again, if Nest was not reached. */
  retry: (() => void) | undefined;
  /** Whether the person has just added a second factor. */
  isAdded: boolean;
}

/** The form of a person who is not signed in. */
export function SignIn({ failed, retry, isAdded }: SignInProps) {
  const { sentTo, error, isBusy, send } = useLink();
  return (
    <main class="narrow">
      <section class="card" aria-labelledby="sign-in-title">
        <h1 id="sign-in-title">Sign in to the {settings.app} console</h1>
        {isAdded && (
          <p role="status">Your second factor is added. Sign in again, with the next code of the app.</p>
        )}
        <p class="quiet">You need a user of {settings.app} with a role that may see other users.</p>
        <form
          onSubmit={(event) => {
            event.preventDefault();
            void send(String(new FormData(event.currentTarget).get("address")).trim());
          }}
        >
          <label for="address">Email address</label>
          <input id="address" name="address" type="email" autocomplete="email" required />
          <div class="row">
            <Button type="submit" isBusy={isBusy}>
              Send link
            </Button>
          </div>
        </form>
        {(error ?? failed) !== null && !sentTo && (
          <Failure error={error ?? failed} {...(error === null && { retry })} />
        )}
        {sentTo && <Sent address={sentTo} />}
      </section>
    </main>
  );
}

/** Sends the signed-in person another link, for what needs a fresh sign-in. @param then says what to do afterwards */
export function SignInAgain({ then }: { then: string }) {
  const { sentTo, error, isBusy, send } = useLink();
  const [address, setAddress] = useState<string | null>(null);
  useEffect(() => {
    void nest.call("get_user").then(
      ({ email }) => setAddress(email),
      () => undefined,
    );
  }, []);
  if (sentTo)
    return (
      <>
        <Sent address={sentTo} />
        <p>{then}</p>
      </>
    );
  return (
    <>
      {error !== null && <Failure error={error} />}
      {address !== null && (
        <p>
          <Button class="second" isBusy={isBusy} onClick={() => send(address)}>
            Send a link to {address}
          </Button>
        </p>
      )}
    </>
  );
}
