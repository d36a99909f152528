import type { OpenCore, Part } from "#core/core.ts";

type Work = () => Promise<unknown>;

/** One I/O operation of a call: to the database, to Stripe or to the mail service. */
export interface IoOperation {
  /** Class and method, such as `AuthorizationRepository.redeem`. */
  name: string;
  isRead: boolean;
}

const READS = /^(find|list|is|all)/;

/**
 * Wraps a core so that every I/O operation goes through `intercept`.
 * @param intercept gets the operation and the work; decides when the work runs and what the caller gets
 */
export function interceptIo(
  open: OpenCore,
  intercept: (operation: IoOperation, work: Work) => Promise<unknown>,
): OpenCore {
  const wrap = <Target extends object>(target: Target): Target =>
    new Proxy(target, {
      get(object, name) {
        const value = Reflect.get(object, name, object);
        if (typeof value !== "function" || name === "all") return value;
        if (name === "remainingMs") return value.bind(object);
        // Binds time limits and does no I/O: the bound service is wrapped in turn.
        if (name === "until" || name === "within")
          return (...limits: number[]) => wrap(Reflect.apply(value, object, limits));
        const operation = {
          name: `${object.constructor.name}.${String(name)}`,
          isRead: READS.test(String(name)),
        };
        return (...args: unknown[]) =>
          intercept(operation, () => Reflect.apply(value, object, args) as Promise<unknown>);
      },
    });
  const isNamed = (part: unknown, names: RegExp) =>
    names.test((part as object | null)?.constructor?.name ?? "");
  const core = Object.fromEntries(
    Object.entries(open.core).map(([name, part]) => [
      name,
      isNamed(part, /Repository$/) ? wrap(part as object) : part,
    ]),
  );
  return {
    ...open,
    core: core as unknown as OpenCore["core"],
    part<Opened>(part: Part<Opened>): Opened {
      const opened = open.part(part);
      return isNamed(opened, /^(StripeApi|Mailer)$/) ? (wrap(opened as object) as Opened) : opened;
    },
  };
}
