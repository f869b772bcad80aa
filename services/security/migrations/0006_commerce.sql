-- Sellers take off the catalogue what they put there; managers see to everybody's.
update roles set permissions = permissions || array['product:delete'] where name = 'Seller';

update roles set permissions = permissions || array[
  'product:admin', 'order:admin', 'payment:admin', 'notification:admin', 'broadcast:admin']
where name = 'Manager';
