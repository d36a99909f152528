import { useContext, useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import { needsProof, useActs } from "#tools/console/page/acts.ts";
import { PageContext } from "#tools/console/page/me.ts";
import { Button, Failure } from "#tools/console/page/parts.tsx";
import { Prove } from "#tools/console/page/prove.tsx";
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

const OLD = <p id="why">You signed in a while ago. Present a second factor to do this.</p>;

/** A button for a change. It asks first, in words, and shows why the change was refused, or what must be proved before. */
export function Act({ label, about, question, confirm, run, done }: ActProps) {
  const dialog = useRef<HTMLDialogElement>(null);
  const opener = useRef<HTMLButtonElement>(null);
  const page = useContext(PageContext);
  // The change may remove the row of the button, which has the focus.
  useLayoutEffect(
    () => () => {
      if (document.activeElement === opener.current) page?.current?.focus();
    },
    [],
  );
  const [isOpen, setOpen] = useState(false);
  const { error, isBusy, run: start, forget } = useActs();
  useEffect(() => {
    if (isOpen) dialog.current?.showModal();
  }, [isOpen]);
  const close = () => {
    dialog.current?.close();
    setOpen(false);
    forget();
  };
  const act = () =>
    start(async () => {
      await run();
      close();
      tell(`Done: ${about ? `${confirm}, ${about}` : confirm}.`);
      done();
    });
  const cancel = (
    <button type="button" class="second" onClick={close}>
      Cancel
    </button>
  );
  const refusal = (
    <>
      {error !== null && <Failure error={error} />}
      {needsProof(error) && <SignInAgain then="Then come back to this page and confirm again." />}
      <div class="row">
        <Button isBusy={isBusy} onClick={act}>
          {confirm}
        </Button>
        {cancel}
      </div>
    </>
  );
  return (
    <>
      <button type="button" class="second small" ref={opener} onClick={() => setOpen(true)}>
        {label}
        {about && <span class="unseen"> {about}</span>}
      </button>
      {isOpen && (
        <dialog ref={dialog} onClose={close} aria-label={confirm}>
          <p>{question}</p>
          {needsProof(error) ? (
            <Prove why={OLD} confirm={confirm} without={refusal} done={act}>
              {cancel}
            </Prove>
          ) : (
            refusal
          )}
        </dialog>
      )}
    </>
  );
}
