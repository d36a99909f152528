import type { ComponentChildren } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { isClientError } from "#client/index.ts";
import { useCall, useSession } from "#client/react.ts";
import { Enrol } from "#tools/console/page/enrol.tsx";
import { FindUser } from "#tools/console/page/find_user.tsx";
import { type Me, MeContext, PageContext, WithheldContext } from "#tools/console/page/me.ts";
import { forgetNames } from "#tools/console/page/names.ts";
import { nest } from "#tools/console/page/nest.ts";
import { Failure, Loading } from "#tools/console/page/parts.tsx";
import { Prove } from "#tools/console/page/prove.tsx";
import { hrefOf, useRoute } from "#tools/console/page/route.ts";
import { challengeOf, SecondStep } from "#tools/console/page/second_step.tsx";
import { settings } from "#tools/console/page/settings.ts";
import { SignIn } from "#tools/console/page/sign_in.tsx";
import { Status } from "#tools/console/page/status.tsx";
import { UserPage } from "#tools/console/page/user_page.tsx";
import { Webhooks } from "#tools/console/page/webhooks.tsx";

const opened = location.href;
const isLink = new URLSearchParams(location.search).has("code");

/** Redeems the magic link that led here, and removes it from the URL. @returns the error, or null */
async function redeemLink(): Promise<unknown> {
  if (!isLink) return null;
  history.replaceState(null, "", location.pathname);
  return nest.finishSignIn(opened).then(
    () => null,
    (error: unknown) => error,
  );
}

/** Whether the link may still work: Nest was not reached, or could not decide. */
const mayWork = (error: unknown) =>
  isClientError(error, "authenticate_user") &&
  (["network", "timeout", "unexpected_answer"].includes(error.kind) || error.code === "unavailable");

/** The token of a refused sign-in that needs a second factor first; null for any other error. */
const enrolmentOf = (error: unknown): string | null =>
  isClientError(error, "authenticate_user") && error.code === "mfa_enrollment_required"
    ? error.meta.mfa_token
    : null;

/** The whole console: the sign-in, or the page that the URL names. */
export function App() {
  const session = useSession(nest);
  const [link, setLink] = useState<{ error: unknown; isAdded?: boolean } | null>(null);
  const redeem = () => {
    setLink(null);
    void redeemLink().then((error) => setLink({ error }));
  };
  useEffect(redeem, []);
  if (session.status === "failed")
    return (
      <Frame>
        <Failure error={session.error} />
      </Frame>
    );
  if (session.status === "loading" || link === null)
    return (
      <Frame>
        <Loading />
      </Frame>
    );
  const challenge = challengeOf(link.error);
  if (challenge)
    return (
      <Step>
        <SecondStep
          of={challenge}
          why={<h1>Second step</h1>}
          confirm="Sign in"
          failed={null}
          end={(error) => setLink({ error })}
        />
      </Step>
    );
  const token = enrolmentOf(link.error);
  if (token)
    return (
      <Step>
        <Enrol token={token} end={(error) => setLink({ error, isAdded: error === null })} />
      </Step>
    );
  if (session.user === null) {
    const retry = mayWork(link.error) ? redeem : undefined;
    return <SignIn failed={link.error} isAdded={link.isAdded === true} retry={retry} />;
  }
  return <SignedIn key={session.user.userId} />;
}

const Frame = ({ children }: { children: ComponentChildren }) => <main class="narrow">{children}</main>;

const Step = ({ children }: { children: ComponentChildren }) => (
  <Frame>
    <section class="card" aria-label="Second step">
      {children}
    </section>
  </Frame>
);

const WITHHELD = (
  <>
    <h1>Second factor</h1>
    <p id="why">Your role requires a second factor, and you have not presented one in this session.</p>
  </>
);

function SignedIn() {
  const { data, error, reload } = useCall(nest, "get_user");
  // Reads that wait for a second factor.
  const [waiting, setWaiting] = useState<(() => void)[]>([]);
  const isWaiting = waiting.length > 0;
  const page = useRef<HTMLDivElement>(null);
  const wait = (retry: () => void) => setWaiting((others) => [...others, retry]);
  const proved = () => {
    for (const retry of waiting) retry();
    setWaiting([]);
  };
  // The field that had the focus is gone then.
  useEffect(() => (isWaiting ? () => page.current?.focus() : undefined), [isWaiting]);
  // Whoever signs in next may see less.
  useEffect(() => forgetNames, []);
  if (error)
    return (
      <Frame>
        <Failure error={error} retry={reload} />
        <SignOut />
      </Frame>
    );
  if (!data)
    return (
      <Frame>
        <Loading />
      </Frame>
    );
  if (!data.capabilities.includes("users.read")) return <NoAccess me={data} reload={reload} />;
  return (
    <MeContext.Provider value={data}>
      <Header me={data} />
      <Status />
      {isWaiting && (
        <Step>
          <Prove why={WITHHELD} confirm="Continue" without={<Enrol end={proved} />} done={proved} />
        </Step>
      )}
      <div hidden={isWaiting} tabIndex={-1} ref={page}>
        <WithheldContext.Provider value={wait}>
          <PageContext.Provider value={page}>
            <Page />
          </PageContext.Provider>
        </WithheldContext.Provider>
      </div>
    </MeContext.Provider>
  );
}

function Page() {
  const [area, id] = useRoute();
  if (area === "users" && id) return <UserPage key={id} id={id} />;
  if (area === "webhooks") return <Webhooks id={id} />;
  return <FindUser />;
}

function Header({ me }: { me: Me }) {
  const [area = "users"] = useRoute();
  return (
    <header>
      <p class="brand">
        <img src={settings.logo} alt="" width="28" height="28" /> {settings.app}{" "}
        <span class="quiet">console</span>
      </p>
      <nav aria-label="Pages">
        <a href={hrefOf("users")} aria-current={area === "users" ? "page" : undefined}>
          Users
        </a>
        {me.capabilities.includes("webhooks.manage") && (
          <a href={hrefOf("webhooks")} aria-current={area === "webhooks" ? "page" : undefined}>
            Webhooks
          </a>
        )}
      </nav>
      <p class="row">
        <span class="quiet">{me.email ?? me.id}</span> <SignOut />
      </p>
    </header>
  );
}

const SignOut = () => (
  <button type="button" class="second small" onClick={() => void nest.signOut().catch(() => undefined)}>
    Sign out
  </button>
);

/** Says what a person without access lacks, and who can change that. */
function NoAccess({ me, reload }: { me: Me; reload: () => void }) {
  return (
    <Frame>
      <section class="card" aria-labelledby="no-access">
        <h1 id="no-access">You can't use the console yet</h1>
        <p>
          You are signed in as {me.email ?? me.id}. Your roles ({me.roles.join(", ")}) lack the capability{" "}
          <code>users.read</code>. The roles <code>support</code> and <code>admin</code> have it.
        </p>
        <p>Ask an administrator for a role. Or, with access to the database, run:</p>
        <pre>{settings.grant.replaceAll("{user}", me.id)}</pre>
        <div class="row">
          <button type="button" onClick={reload}>
            Check again
          </button>
          <SignOut />
        </div>
      </section>
    </Frame>
  );
}
