import { permits } from "#mesh";

/**
 * What owners may do with their own, by type of resource. Records of business
 * (orders, payments) may be read by whom they are about, not rewritten. A type
 * that is not here gives its owner nothing.
 */
const ownersMay: Readonly<Record<string, readonly string[]>> = {
  user: ["user:read", "user:write", "user:delete"],
  profile: ["user:read", "user:write", "user:delete"],
  session: ["security:read", "security:delete"],
  team: ["team:read", "team:write", "team:delete"],
  post: ["content:read", "content:write", "content:delete"],
  document: ["content:read", "content:write", "content:delete"],
  account: ["social:read", "social:write", "social:delete"],
  report: ["analytics:read", "analytics:write", "analytics:delete"],
  dashboard: ["analytics:read", "analytics:write", "analytics:delete"],
  generation: ["ai:read", "ai:write", "ai:delete"],
  notification: ["notification:read", "notification:write", "notification:delete"],
  job: ["queue:read", "queue:write", "queue:delete"],
  file: ["file:read", "file:write", "file:delete"],
  webhook: ["webhook:read", "webhook:write", "webhook:delete"],
  product: ["product:read", "product:write", "product:delete"],
  order: ["order:read"],
  payment: ["payment:read"],
  broadcast: ["broadcast:read", "broadcast:write", "broadcast:delete"],
  workflow: ["workflow:read", "workflow:write", "workflow:delete"],
  run: ["workflow:read", "workflow:write", "workflow:delete"],
};

/** Does owning a resource of this type allow this? */
export function ownerMay(resourceType: string, permission: string): boolean {
  return Object.hasOwn(ownersMay, resourceType) && permits(ownersMay[resourceType] ?? [], permission);
}
