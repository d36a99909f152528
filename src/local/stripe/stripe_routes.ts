import { catalogueRoutes } from "#local/stripe/catalogue_routes.ts";
import { customerRoutes } from "#local/stripe/customer_routes.ts";
import { eventRoutes } from "#local/stripe/event_routes.ts";
import { moneyRoutes } from "#local/stripe/money_routes.ts";
import { type PortalSettings, portalRoutes } from "#local/stripe/portal.ts";
import type { Route } from "#local/stripe/route.ts";
import { subscriptionRoutes } from "#local/stripe/subscription_routes.ts";
import { testClockRoutes } from "#local/stripe/test_clock_routes.ts";

/**
 * Every operation that the double has.
 * @param portal where the billing portal is
 */
export function stripeRoutes(portal: PortalSettings): Route[] {
  return [
    ...customerRoutes,
    ...subscriptionRoutes,
    ...moneyRoutes,
    ...eventRoutes,
    ...catalogueRoutes,
    ...testClockRoutes,
    ...portalRoutes(portal),
  ];
}
