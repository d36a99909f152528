import { createContext, type RefObject } from "preact";
import { useContext } from "preact/hooks";
import type { Responses } from "#client/index.ts";

/** The signed-in person. */
export type Me = Responses["get_user"];

export const MeContext = createContext<Me | null>(null);

/** The element that takes the focus when what had it is gone. */
export const PageContext = createContext<RefObject<HTMLElement | null> | null>(null);

/**
 * What a part of the page calls that may not read something until the person presents a second factor.
 * @param retry reads it again
 */
export const WithheldContext = createContext<(retry: () => void) => void>(() => undefined);

/** @returns whether the signed-in person has a capability. Nest decides; this hides what it would refuse */
export function useMay(capability: string): boolean {
  return useContext(MeContext)?.capabilities.includes(capability) ?? false;
}

/** The signed-in person's own user id. */
export const useMyId = () => useContext(MeContext)?.id;
