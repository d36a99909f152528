import { useState } from "preact/hooks";
import { isClientError, type Requests, type Responses } from "#client/index.ts";
import { hasPasskeys, usePasskey } from "#client/passkeys.ts";
import { nest } from "#tools/console/page/nest.ts";
import { Failure } from "#tools/console/page/parts.tsx";

type Challenge = Responses["create_mfa_challenge"];
type Factor = Challenge["factors"][number];
/** What proves the second step, beside the token of the challenge. */
type Proof = Pick<Requests["authenticate_user"], "factor_id" | "code" | "recovery_code" | "credential">;

const LABELS: Readonly<Record<string, string>> = {
  totp: "Code of your authenticator app",
  sms: "Code by SMS",
  email: "Code by mail",
  webauthn: "Passkey",
};

/** The challenge of a refused sign-in that needs a second step; null for any other error. */
export const challengeOf = (error: unknown): Challenge | null =>
  isClientError(error, "authenticate_user") && error.code === "mfa_required" ? error.meta : null;

/** Whether the challenge of an error can't be used any more. */
const isOver = (error: unknown) =>
  isClientError(error, "authenticate_user") && error.code === "mfa_token_expired";

/** Runs one act at a time, and keeps its error. @param end called if the challenge can't be used any more */
function useActs(end: (error: unknown) => void) {
  const [error, setError] = useState<unknown>(null);
  const [isBusy, setBusy] = useState(false);
  const run = async (act: () => Promise<unknown>) => {
    setBusy(true);
    setError(null);
    await act().catch((refused: unknown) => (isOver(refused) ? end(refused) : setError(refused)));
    setBusy(false);
  };
  return { error, isBusy, run };
}

/**
 * Asks for the second step after a link.
 * @param end called with null when the person is signed in, or with the error if they must begin again
 */
export function SecondStep({ of: challenge, end }: { of: Challenge; end: (error: unknown) => void }) {
  const { mfa_token } = challenge;
  const factors = challenge.factors.filter(({ factor_type }) => factor_type !== "webauthn" || hasPasskeys());
  const [id, setId] = useState(factors[0]?.id ?? "");
  const [sentTo, setSentTo] = useState<{ id: string; hint: string } | null>(null);
  const { error, isBusy, run } = useActs(end);
  const factor = factors.find((one) => one.id === id);
  const type = factor?.factor_type;
  const signIn = async (proof: Proof) => {
    await nest.signIn({ grant_type: "mfa", mfa_token, ...proof });
    end(null);
  };
  const send = () =>
    run(async () => {
      const { hint } = await nest.call("send_mfa_code", { mfa_token, factor_id: id });
      setSentTo({ id, hint });
    });
  const askPasskey = () =>
    run(async () => {
      const { options } = await nest.call("create_passkey_challenge", { mfa_token });
      await signIn({ credential: await usePasskey(options) });
    });
  const mustSend = type === "sms" || type === "email";
  return (
    <main class="narrow">
      <section class="card steps" aria-labelledby="second-step-title">
        <h1 id="second-step-title">Second step</h1>
        <label for="factor">Second factor</label>
        <select id="factor" value={id} onChange={(event) => setId(event.currentTarget.value)}>
          {factors.map((one) => (
            <option key={one.id} value={one.id}>
              {labelOf(one)}
            </option>
          ))}
          <option value="">Recovery code</option>
        </select>
        {mustSend && (
          <div class="row">
            <button type="button" class="second" disabled={isBusy} onClick={send}>
              Send code
            </button>
            {sentTo?.id === id && <span role="status">A code was sent to {sentTo.hint}.</span>}
          </div>
        )}
        {type === "webauthn" ? (
          <div class="row">
            <button type="button" disabled={isBusy} onClick={askPasskey}>
              Use passkey
            </button>
          </div>
        ) : (
          <CodeForm
            key={id}
            isRecovery={factor === undefined}
            isBusy={isBusy}
            present={(code) =>
              run(() => signIn(factor === undefined ? { recovery_code: code } : { factor_id: id, code }))
            }
          />
        )}
        {error !== null && <Failure error={error} />}
        <p class="quiet">
          No second factor at hand? Use a recovery code, or ask an administrator to remove the lost one.
        </p>
      </section>
    </main>
  );
}

const labelOf = ({ factor_type, hint }: Factor) =>
  `${LABELS[factor_type] ?? factor_type}${hint === null ? "" : ` to ${hint}`}`;

interface CodeFormProps {
  isRecovery: boolean;
  isBusy: boolean;
  present: (code: string) => void;
}

/** The field for a code of a factor, or for a recovery code. */
const CodeForm = ({ isRecovery, isBusy, present }: CodeFormProps) => (
  <form
    onSubmit={(event) => {
      event.preventDefault();
      present(String(new FormData(event.currentTarget).get("code")).trim());
    }}
  >
    <label for="code">{isRecovery ? "Recovery code" : "Code"}</label>
    <input
      id="code"
      name="code"
      inputMode={isRecovery ? "text" : "numeric"}
      autocomplete={isRecovery ? "off" : "one-time-code"}
      required
    />
    <div class="row">
      <button type="submit" disabled={isBusy}>
        Sign in
      </button>
    </div>
  </form>
);
