import { useEffect, useRef, useState } from "preact/hooks";
import { Failure } from "#tools/console/page/parts.tsx";
import { SignInAgain } from "#tools/console/page/sign_in.tsx";
import { tell } from "#tools/console/page/status.tsx";

interface ActProps {
  /** The text of the button. */
  label: string;
  /** Completes the label for screen readers, if several buttons of a page have it. */
  about?: string;
  /** What happens, in words. */
  question: string;
  /** The text of the button that does it. */
  confirm: string;
  run: () => Promise<unknown>;
  /** Called after it was done. */
  done: () => void;
}

const isOld = (error: unknown) => (Object(error) as { code?: unknown }).code === "reauthentication_required";

/** A button for a change. It asks first, in words, and shows why the change was refused. */
export function Act({ label, about, question, confirm, run, done }: ActProps) {
  const dialog = useRef<HTMLDialogElement>(null);
  const [isOpen, setOpen] = useState(false);
  const [isBusy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>(null);
  useEffect(() => {
    if (isOpen) dialog.current?.showModal();
  }, [isOpen]);
  const close = () => {
    dialog.current?.close();
    setOpen(false);
    setError(null);
  };
  const act = async () => {
    setBusy(true);
    setError(null);
    try {
      await run();
      close();
      tell(`Done: ${about ? `${confirm}, ${about}` : confirm}.`);
      done();
    } catch (refused) {
      setError(refused);
    }
    setBusy(false);
  };
  return (
    <>
      <button type="button" class="second small" onClick={() => setOpen(true)}>
        {label}
        {about && <span class="unseen"> {about}</span>}
      </button>
      {isOpen && (
        <dialog ref={dialog} onClose={close} aria-label={confirm}>
          <p>{question}</p>
          {error !== null && <Failure error={error} />}
          {isOld(error) && <SignInAgain />}
          <div class="row">
            <button type="button" disabled={isBusy} onClick={act}>
              {confirm}
            </button>
            <button type="button" class="second" onClick={close}>
              Cancel
            </button>
          </div>
        </dialog>
      )}
    </>
  );
}
