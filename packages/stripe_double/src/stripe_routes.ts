import { catalogRoutes } from "./catalog_routes.ts";
import { checkoutRoutes } from "./checkout_routes.ts";
import { customerRoutes } from "./customer_routes.ts";
import { eventRoutes } from "./event_routes.ts";
import { paymentRoutes } from "./payment_routes.ts";
import { type PortalSettings, portalRoutes } from "./portal.ts";
import type { Route } from "./route.ts";
import { subscriptionRoutes } from "./subscription_routes.ts";
import { testClockRoutes } from "./test_clock_routes.ts";

/** All operations of the double's API. */
export function stripeRoutes(portal: PortalSettings): Route[] {
  return [
    ...customerRoutes,
    ...subscriptionRoutes,
    ...paymentRoutes,
    ...eventRoutes,
    ...catalogRoutes,
    ...testClockRoutes,
    ...portalRoutes(portal),
    ...checkoutRoutes(portal),
  ];
}
