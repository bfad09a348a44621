/** Small hooks that more than one page needs. */

import { useEffect, useRef } from "preact/hooks";

/** Runs on a key pressed anywhere in the page. */
export function useKey(pressed: (event: KeyboardEvent) => void): void {
  const latest = useRef(pressed);
  latest.current = pressed;
  useEffect(() => {
    const listen = (event: KeyboardEvent): void => latest.current(event);
    addEventListener("keydown", listen);
    return () => removeEventListener("keydown", listen);
  }, []);
}

/** True for an Enter that sends; not while an input method composes, where Enter picks the characters. */
export function sends(event: KeyboardEvent): boolean {
  return event.key === "Enter" && !event.shiftKey && !event.isComposing && event.keyCode !== 229;
}
