update roles set permissions = permissions || array['gateway:read'] where name in ('Manager', 'Developer');
