create table roles (
  name text constraint roles_pkey primary key,
  description text not null,
  permissions text[] not null,
  -- Place in lists, from the most to the least powerful.
  rank smallint not null constraint roles_rank_unique unique
);

insert into roles (rank, name, description, permissions) values
  (1, 'Admin', 'May do everything.', array['*:*']),
  (2, 'Manager', 'Runs teams, campaigns and the shop; sees who is who.', array[
    'user:read', 'team:read', 'team:write', 'team:delete',
    'content:read', 'content:write', 'content:publish', 'content:delete',
    'social:read', 'social:write', 'social:connect', 'social:delete',
    'analytics:read', 'analytics:write', 'analytics:report',
    'ai:read', 'ai:generate', 'ai:analyze', 'ai:optimize',
    'notification:read', 'notification:write', 'notification:send',
    'broadcast:read', 'broadcast:write', 'broadcast:send', 'broadcast:delete',
    'queue:read', 'webhook:read',
    'file:read', 'file:write', 'file:process', 'file:delete',
    'product:read', 'product:write', 'product:delete',
    'order:read', 'order:write', 'payment:read', 'payment:refund',
    'workflow:read', 'workflow:write', 'workflow:run', 'workflow:delete']),
  (3, 'Developer', 'Builds on the platform and keeps it running.', array[
    'user:read', 'team:read', 'security:read',
    'content:read', 'social:read',
    'analytics:read', 'analytics:write', 'analytics:report',
    'ai:read', 'ai:generate', 'ai:analyze', 'ai:optimize',
    'notification:read', 'broadcast:read',
    'queue:read', 'queue:write', 'queue:admin',
    'webhook:read', 'webhook:write', 'webhook:delete', 'webhook:admin',
    'file:read', 'file:write', 'file:process',
    'product:read', 'order:read', 'payment:read',
    'workflow:read', 'workflow:write', 'workflow:run', 'workflow:delete']),
  (4, 'Editor', 'Makes and publishes content.', array[
    'user:read', 'team:read',
    'content:read', 'content:write', 'content:publish', 'content:delete',
    'social:read', 'social:write',
    'analytics:read',
    'ai:read', 'ai:generate', 'ai:analyze', 'ai:optimize',
    'notification:read',
    'file:read', 'file:write', 'file:process', 'file:delete',
    'product:read', 'workflow:read', 'workflow:run']),
  (5, 'Seller', 'Sells: own products, their stock and the orders for them.', array[
    'content:read', 'analytics:read', 'ai:read', 'ai:generate', 'ai:analyze', 'ai:optimize',
    'notification:read', 'broadcast:read', 'broadcast:write', 'broadcast:send',
    'file:read', 'file:write', 'file:process',
    'product:read', 'product:write', 'order:read', 'order:write', 'payment:read']),
  (6, 'Viewer', 'Looks, and changes nothing.', array[
    'team:read', 'content:read', 'social:read', 'analytics:read', 'ai:read',
    'notification:read', 'file:read', 'product:read', 'workflow:read']),
  (7, 'Customer', 'Buys. What everybody is who has no other role.', array[
    'content:read', 'notification:read', 'file:read', 'file:write',
    'product:read', 'order:create', 'payment:create']);

create table user_roles (
  user_id uuid not null,
  role text not null constraint user_roles_role references roles (name),
  granted_at timestamptz(3) not null,
  constraint user_roles_pkey primary key (user_id, role)
);

create index user_roles_by_role on user_roles (role);
