import type { OpenCore, Part } from "#core/core.ts";

type Work = () => Promise<unknown>;

/** Something that a function asks of the world: the database, Stripe, or the mail service. */
export interface Errand {
  /** Such as `AuthorizationRepository.redeem`. */
  name: string;
  isRead: boolean;
}

const READS = /^(find|list|is|all)/;

/** A core whose every errand goes through `around`: it decides when the work is done, and what comes of it. */
export function guarded(open: OpenCore, around: (errand: Errand, work: Work) => Promise<unknown>): OpenCore {
  const guard = <Target extends object>(target: Target): Target =>
    new Proxy(target, {
      get(object, name) {
        const value = Reflect.get(object, name, object);
        if (typeof value !== "function" || name === "all") return value;
        // Binds a deadline and asks nothing of the service: the bound service is guarded in turn.
        if (name === "until") return (deadline: number) => guard(Reflect.apply(value, object, [deadline]));
        const errand = {
          name: `${object.constructor.name}.${String(name)}`,
          isRead: READS.test(String(name)),
        };
        return (...args: unknown[]) =>
          around(errand, () => Reflect.apply(value, object, args) as Promise<unknown>);
      },
    });
  const isGuarded = (part: unknown, names: RegExp) =>
    names.test((part as object | null)?.constructor?.name ?? "");
  const core = Object.fromEntries(
    Object.entries(open.core).map(([name, part]) => [
      name,
      isGuarded(part, /Repository$/) ? guard(part as object) : part,
    ]),
  );
  return {
    ...open,
    core: core as unknown as OpenCore["core"],
    part<Opened>(part: Part<Opened>): Opened {
      const opened = open.part(part);
      return isGuarded(opened, /^(StripeApi|Mailer)$/) ? (guard(opened as object) as Opened) : opened;
    },
  };
}
