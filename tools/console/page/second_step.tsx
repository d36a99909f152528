import type { ComponentChildren } from "preact";
import { useState } from "preact/hooks";
import { isClientError, type Requests, type Responses } from "#client/index.ts";
import { hasPasskeys, usePasskey } from "#client/passkeys.ts";
import { useActs } from "#tools/console/page/acts.ts";
import { nest } from "#tools/console/page/nest.ts";
import { Button, Failure, focus } from "#tools/console/page/parts.tsx";

export type Challenge = Responses["create_mfa_challenge"];
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

interface SecondStepProps {
  of: Challenge;
  /** Says why. An element with the id `why` describes the first field. */
  why: ComponentChildren;
  /** The text of the button that presents a code. */
  confirm: string;
  /** Why the last challenge ended, or null. */
  failed: unknown;
  /** Called with null when the step is done, or with the error if the challenge can't be used any more. */
  end: (error: unknown) => void;
}

/** Asks for the second step: after a link, and for a session that needs it. */
export function SecondStep({ of: challenge, why, confirm, failed, end }: SecondStepProps) {
  const { mfa_token } = challenge;
  const factors = challenge.factors.filter(({ factor_type }) => factor_type !== "webauthn" || hasPasskeys());
  const [id, setId] = useState(factors[0]?.id ?? "");
  const [sentTo, setSentTo] = useState<{ id: string; hint: string } | null>(null);
  const { error, isBusy, run, forget } = useActs(end, failed);
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
    <div class="steps">
      {why}
      <label for="factor">Second factor</label>
      <select
        id="factor"
        aria-describedby="why"
        ref={focus}
        value={id}
        onChange={(event) => {
          setId(event.currentTarget.value);
          forget();
        }}
      >
        {factors.map((one) => (
          <option key={one.id} value={one.id}>
            {labelOf(one)}
          </option>
        ))}
        <option value="">Recovery code</option>
      </select>
      {mustSend && (
        <div class="row">
          <Button class="second" isBusy={isBusy} onClick={send}>
            Send code
          </Button>
          <span role="status">{sentTo?.id === id && `A code was sent to ${sentTo.hint}.`}</span>
        </div>
      )}
      {type === "webauthn" ? (
        <div class="row">
          <Button isBusy={isBusy} onClick={askPasskey}>
            Use passkey
          </Button>
        </div>
      ) : (
        <CodeForm
          key={id}
          isRecovery={factor === undefined}
          isBusy={isBusy}
          confirm={confirm}
          present={(code) =>
            run(() => signIn(factor === undefined ? { recovery_code: code } : { factor_id: id, code }))
          }
        />
      )}
      {error !== null && <Failure error={error} />}
      <p class="quiet">
        Can't use a second factor? Use a recovery code, or ask an administrator to remove the lost factor.
      </p>
    </div>
  );
}

const labelOf = ({ factor_type, hint }: Factor) =>
  `${LABELS[factor_type] ?? factor_type}${hint === null ? "" : ` to ${hint}`}`;

interface CodeFormProps {
  isRecovery?: boolean;
  isBusy: boolean;
  confirm: string;
  present: (code: string) => void;
}

/** The field for a code of a factor, or for a recovery code. */
export const CodeForm = ({ isRecovery, isBusy, confirm, present }: CodeFormProps) => (
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
      <Button type="submit" isBusy={isBusy}>
        {confirm}
      </Button>
    </div>
  </form>
);
