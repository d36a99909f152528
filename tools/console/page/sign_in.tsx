import { useEffect, useState } from "preact/hooks";
import { nest } from "#tools/console/page/nest.ts";
import { Failure } from "#tools/console/page/parts.tsx";
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
  const [error, setError] = useState<unknown>(null);
  const [isBusy, setBusy] = useState(false);
  const send = async (address: string) => {
    setBusy(true);
    setError(null);
    try {
      await nest.sendMagicLink(address);
      setSentTo(address);
    } catch (refused) {
      setError(refused);
    }
    setBusy(false);
  };
  return { sentTo, error, isBusy, send };
}

/** The form of a person who is not signed in. @param notice why the last link did not sign in, or null */
export function SignIn({ failed }: { failed: unknown }) {
  const { sentTo, error, isBusy, send } = useLink();
  return (
    <main class="narrow">
      <section class="card" aria-labelledby="sign-in-title">
        <h1 id="sign-in-title">Sign in to the {settings.app} console</h1>
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
            <button type="submit" disabled={isBusy}>
              Send link
            </button>
          </div>
        </form>
        {(error ?? failed) !== null && !sentTo && <Failure error={error ?? failed} />}
        {sentTo && <Sent address={sentTo} />}
      </section>
    </main>
  );
}

/** Sends the signed-in person another link, for an act that needs a fresh sign-in. */
export function SignInAgain() {
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
        <p>Then come back to this page and confirm again.</p>
      </>
    );
  return (
    <>
      {error !== null && <Failure error={error} />}
      {address !== null && (
        <p>
          <button type="button" class="second" disabled={isBusy} onClick={() => send(address)}>
            Send a link to {address}
          </button>
        </p>
      )}
    </>
  );
}
