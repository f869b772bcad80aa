-- People know orders by their numbers and products by their names.
update templates set variants = replace(variants::text, '{{order_id}}', '{{order_number}}')::jsonb
where built_in and variants::text like '%{{order_id}}%';

update templates set variants =
  replace(replace(replace(replace(variants::text,
    'du produit {{product_id}}', 'de « {{product_name}} »'),
    'product {{product_id}}', '{{product_name}}'),
    'A product runs low', '{{product_name}} runs low'),
    'Un produit s’épuise', '« {{product_name}} » s’épuise')::jsonb
where name = 'low_stock' and built_in;
