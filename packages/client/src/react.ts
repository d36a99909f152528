"use client";
import { useCallback, useEffect, useState, useSyncExternalStore } from "react";
import type { Cased } from "./casing.ts";
import type { Method, Responses } from "./methods.ts";
import type { NestClient } from "./nest_client.ts";
import type { RequestArgument } from "./requests.ts";
import type { SignedIn } from "./session.ts";

/** Whether a user is signed in. `failed`: the client's store can't be read. */
export type Session =
  | { status: "loading" | "signed_out"; user: null; error: null }
  | { status: "signed_in"; user: SignedIn; error: null }
  | { status: "failed"; user: null; error: unknown };

/** The methods that only read, which `useCall` may call at any time. */
export type ReadMethod = Extract<Method, `get_${string}` | `list_${string}`>;

/** What `useCall` returns. */
export interface CallState<Data> {
  /** The newest response, or undefined if there is none for this user and request. */
  data: Data | undefined;
  /** The error of the newest call, or null. Check it with `isClientError`, or show the sentence of `messageOf`. */
  error: unknown;
  isLoading: boolean;
  /** Calls the method again. The previous data stays until the response arrives. */
  reload: () => void;
}

type AnyClient = Pick<NestClient, "onSessionChange">;

interface Source {
  subscribe: (changed: () => void) => () => void;
  current: () => Session;
}

const LOADING: Session = { status: "loading", user: null, error: null };

/** The session of a client, which all components share. It is watched while a component is mounted. */
function sourceOf(nest: AnyClient): Source {
  const components = new Set<() => void>();
  let session = LOADING;
  let end = () => {};
  const show = (next: Session) => {
    session = next;
    for (const changed of components) changed();
  };
  const toSession = (user: SignedIn | null): Session =>
    user ? { status: "signed_in", user, error: null } : { status: "signed_out", user: null, error: null };
  return {
    current: () => session,
    subscribe(changed) {
      components.add(changed);
      if (components.size === 1)
        end = nest.onSessionChange(
          (user) => show(toSession(user)),
          // The last known session stays, because the store may only be locked for a moment.
          (error) => session === LOADING && show({ status: "failed", user: null, error }),
        );
      return () => {
        components.delete(changed);
        if (components.size > 0) return;
        end();
        session = LOADING;
      };
    },
  };
}

const sources = new WeakMap<AnyClient, Source>();

/**
 * Whether a user is signed in, and who. The component renders again when that changes, also by another tab of the page.
 * @param nest a client that all renders share: create it outside of components
 */
export function useSession(nest: AnyClient): Session {
  const source = sources.get(nest) ?? sourceOf(nest);
  sources.set(nest, source);
  return useSyncExternalStore(source.subscribe, source.current, () => LOADING);
}

/** A response, and the call that it belongs to. */
interface Outcome {
  nest: AnyClient;
  call: string;
  turn: number;
  data: unknown;
  error: unknown;
}

/**
 * Calls a method that reads, and calls it again when another user signs in or the request changes. A response to an earlier
 * call is ignored.
 * @param request compared by its value, so that it may be created in the render
 */
export function useCall<M extends ReadMethod, IsCamel extends boolean = false>(
  nest: NestClient<IsCamel>,
  method: M,
  ...[request]: RequestArgument<M, IsCamel>
): CallState<Cased<Responses[M], IsCamel>> {
  const { status, user } = useSession(nest);
  const [turn, setTurn] = useState(0);
  const [outcome, setOutcome] = useState<Outcome | null>(null);
  const call = JSON.stringify([method, request ?? {}, user]);
  useEffect(() => {
    if (status === "loading") return;
    const controller = new AbortController();
    // JSON.parse loses the type of the request.
    const { call: send } = nest as { call(...args: unknown[]): Promise<unknown> };
    const settle = (data: unknown, error: unknown) => {
      if (!controller.signal.aborted) setOutcome({ nest, call, turn, data, error });
    };
    send.call(nest, method, JSON.parse(call)[1], { signal: controller.signal }).then(
      (data) => settle(data, null),
      (error) => settle(undefined, error),
    );
    return () => controller.abort();
  }, [nest, method, call, turn, status]);
  const shown = outcome?.nest === nest && outcome.call === call ? outcome : null;
  return {
    data: shown?.data as Cased<Responses[M], IsCamel> | undefined,
    error: shown?.error ?? null,
    isLoading: shown?.turn !== turn,
    reload: useCallback(() => setTurn((last) => last + 1), []),
  };
}
