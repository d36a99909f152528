import { useRef, useState } from "preact/hooks";

/** The code of an error that Nest returned. */
export const codeOf = (error: unknown) => (Object(error) as { code?: unknown }).code;

/** Whether a session is too old, or lacks the second factor, for what it asked. */
export const needsProof = (error: unknown) => codeOf(error) === "reauthentication_required";

/**
 * Runs one act at a time, and keeps its error. Buttons stay enabled meanwhile: a disabled button loses the focus.
 * @param end called if the challenge that the acts present can't be used any more
 * @param failed the error of an act before, which is shown at first
 */
export function useActs(end?: (error: unknown) => void, failed: unknown = null) {
  const [error, setError] = useState(failed);
  const [isBusy, setBusy] = useState(false);
  const isRunning = useRef(false);
  const run = async (act: () => Promise<unknown>) => {
    if (isRunning.current) return;
    isRunning.current = true;
    setBusy(true);
    setError(null);
    await act().catch((refused: unknown) =>
      end && codeOf(refused) === "mfa_token_expired" ? end(refused) : setError(refused),
    );
    isRunning.current = false;
    setBusy(false);
  };
  return { error, isBusy, run, forget: () => setError(null) };
}
