import type { ComponentChildren } from "preact";
import { useEffect, useState } from "preact/hooks";
import { useCall, useSession } from "#client/react.ts";
import { FindUser } from "#tools/console/page/find_user.tsx";
import { type Me, MeContext } from "#tools/console/page/me.ts";
import { forgetNames } from "#tools/console/page/names.ts";
import { nest } from "#tools/console/page/nest.ts";
import { Failure, Loading } from "#tools/console/page/parts.tsx";
import { hrefOf, useRoute } from "#tools/console/page/route.ts";
import { challengeOf, SecondStep } from "#tools/console/page/second_step.tsx";
import { settings } from "#tools/console/page/settings.ts";
import { SignIn } from "#tools/console/page/sign_in.tsx";
import { Status } from "#tools/console/page/status.tsx";
import { UserPage } from "#tools/console/page/user_page.tsx";
import { Webhooks } from "#tools/console/page/webhooks.tsx";

/** Redeems the magic link that led here, once, and removes it from the URL. @returns the error, or null */
async function redeemLink(): Promise<unknown> {
  if (!new URLSearchParams(location.search).has("code")) return null;
  const link = location.href;
  history.replaceState(null, "", location.pathname);
  return nest.finishSignIn(link).then(
    () => null,
    (error: unknown) => error,
  );
}

/** The whole console: the sign-in, or the page that the URL names. */
export function App() {
  const session = useSession(nest);
  const [link, setLink] = useState<{ error: unknown } | null>(null);
  useEffect(() => {
    void redeemLink().then((error) => setLink({ error }));
  }, []);
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
  if (challenge) return <SecondStep of={challenge} end={(error) => setLink({ error })} />;
  if (session.user === null) return <SignIn failed={link.error} />;
  return <SignedIn key={session.user.userId} />;
}

const Frame = ({ children }: { children: ComponentChildren }) => <main class="narrow">{children}</main>;

function SignedIn() {
  const { data, error, reload } = useCall(nest, "get_user");
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
      <Page />
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
