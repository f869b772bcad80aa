-- Sellers have reports of what is theirs; managers see everybody's figures.
update roles set permissions = permissions || array['analytics:report']
where name = 'Seller' and not 'analytics:report' = any(permissions);

update roles set permissions = permissions || array['analytics:admin']
where name = 'Manager' and not 'analytics:admin' = any(permissions);
