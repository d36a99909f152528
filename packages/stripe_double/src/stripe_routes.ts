import { catalogueRoutes } from "./catalogue_routes.ts";
import { customerRoutes } from "./customer_routes.ts";
import { eventRoutes } from "./event_routes.ts";
import { moneyRoutes } from "./money_routes.ts";
import { type PortalSettings, portalRoutes } from "./portal.ts";
import type { Route } from "./route.ts";
import { subscriptionRoutes } from "./subscription_routes.ts";
import { testClockRoutes } from "./test_clock_routes.ts";

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
