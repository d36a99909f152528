import { useEffect, useState } from "preact/hooks";

const NAME = "console-status";

/** Says what was done, also to screen readers. */
export const tell = (text: string) => dispatchEvent(new CustomEvent(NAME, { detail: text }));

/** Shows the newest text of `tell`. */
export function Status() {
  const [text, setText] = useState("");
  useEffect(() => {
    const told = (event: Event) => setText((event as CustomEvent<string>).detail);
    addEventListener(NAME, told);
    return () => removeEventListener(NAME, told);
  }, []);
  return (
    <p role="status" class={text === "" ? "unseen" : "status"}>
      {text}
    </p>
  );
}
