import { useState } from "preact/hooks";
import type { Responses } from "#client/index.ts";
import { needsProof, useActs } from "#tools/console/page/acts.ts";
import { nest } from "#tools/console/page/nest.ts";
import { Button, Failure, Title } from "#tools/console/page/parts.tsx";
import { CodeForm } from "#tools/console/page/second_step.tsx";
import { SignInAgain } from "#tools/console/page/sign_in.tsx";

interface EnrolProps {
  /** The token of a sign-in that waits for a second factor; undefined: the signed-in person adds it. */
  token?: string;
  /** Called with null when the factor is added, or with the error if the token can't be used any more. */
  end: (error: unknown) => void;
}

/** Lets a person whose role needs a second factor add an authenticator app. */
export function Enrol({ token, end }: EnrolProps) {
  const own = token === undefined ? {} : { mfa_token: token };
  const [app, setApp] = useState<Responses["create_mfa_factor"] | null>(null);
  const [codes, setCodes] = useState<readonly string[] | null>(null);
  const { error, isBusy, run } = useActs(end);
  // The text says what `confirm` accepts.
  const create = () =>
    run(async () =>
      setApp(await nest.call("create_mfa_factor", { factor_type: "totp", confirm: true, ...own })),
    );
  const verify = (factor_id: string, code: string) =>
    run(async () => {
      const { recovery_codes } = await nest.call("verify_mfa_factor", { factor_id, code, ...own });
      if (recovery_codes === null) end(null);
      else setCodes(recovery_codes);
    });
  if (codes)
    return (
      <>
        <Title key="codes">Keep your recovery codes</Title>
        <p>Each takes the place of the app once, if you lose it. They are not shown again.</p>
        <p>
          When this page asks for a code of the app, wait until the app shows a new one: each code works once.
        </p>
        <ul class="list" aria-label="Recovery codes">
          {codes.map((code) => (
            <li key={code}>
              <code>{code}</code>
            </li>
          ))}
        </ul>
        <Button onClick={() => end(null)}>I saved them</Button>
      </>
    );
  return (
    <>
      {app ? (
        <>
          <Title key="app">Add an authenticator app</Title>
          <p>
            Scan the picture with the app, or type this key into it. Then enter the code that the app shows.
          </p>
          <img src={app.qr_code ?? ""} alt="QR code for the app" />
          <p>
            <code>{app.secret}</code>
          </p>
          <CodeForm isBusy={isBusy} confirm="Add" present={(code) => verify(app.factor_id, code)} />
        </>
      ) : (
        <>
          <Title>Second factor</Title>
          <p>
            Your role needs a second factor, and you have none. Once you have one, programs that can't ask for
            it can't sign you in.
          </p>
          <Button isBusy={isBusy} onClick={create}>
            Add an authenticator app
          </Button>
        </>
      )}
      {error !== null && <Failure error={error} />}
      {needsProof(error) && <SignInAgain then="Then come back to this page and try again." />}
    </>
  );
}
