create table templates (
  name text collate "C" constraint templates_pkey primary key,
  -- [{ language, subject, text, html }]
  variants jsonb not null,
  built_in boolean not null default false,
  updated_at timestamptz(3) not null
);

insert into templates (name, built_in, updated_at, variants) values
('order_confirmed', true, now(), '[
  {"language": "en", "subject": "Your order is confirmed", "text": "We have your payment of {{total}} for order {{order_id}}. Its seller prepares it now.", "html": "<p>We have your payment of <b>{{total}}</b> for order {{order_id}}.</p><p>Its seller prepares it now.</p>"},
  {"language": "fr", "subject": "Votre commande est confirmée", "text": "Nous avons reçu votre paiement de {{total}} pour la commande {{order_id}}. Le vendeur la prépare.", "html": "<p>Nous avons reçu votre paiement de <b>{{total}}</b> pour la commande {{order_id}}.</p><p>Le vendeur la prépare.</p>"}
]'),
('order_failed', true, now(), '[
  {"language": "en", "subject": "Your order did not go through", "text": "Order {{order_id}} is called off. If you have paid, your money goes back to you.", "html": "<p>Order {{order_id}} is called off.</p><p>If you have paid, your money goes back to you.</p>"},
  {"language": "fr", "subject": "Votre commande n’a pas abouti", "text": "La commande {{order_id}} est annulée. Si vous avez payé, votre argent vous est rendu.", "html": "<p>La commande {{order_id}} est annulée.</p><p>Si vous avez payé, votre argent vous est rendu.</p>"}
]'),
('order_refunded', true, now(), '[
  {"language": "en", "subject": "Your order was refunded", "text": "The money for order {{order_id}} is on its way back to you.", "html": "<p>The money for order {{order_id}} is on its way back to you.</p>"},
  {"language": "fr", "subject": "Votre commande a été remboursée", "text": "L’argent de la commande {{order_id}} vous est rendu.", "html": "<p>L’argent de la commande {{order_id}} vous est rendu.</p>"}
]'),
('low_stock', true, now(), '[
  {"language": "en", "subject": "A product runs low", "text": "Only {{available}} are left of product {{product_id}}.", "html": "<p>Only <b>{{available}}</b> are left of product {{product_id}}.</p>"},
  {"language": "fr", "subject": "Un produit s’épuise", "text": "Il ne reste que {{available}} pièces du produit {{product_id}}.", "html": "<p>Il ne reste que <b>{{available}}</b> pièces du produit {{product_id}}.</p>"}
]'),
('security_alert', true, now(), '[
  {"language": "en", "subject": "Something unusual happened with your account", "text": "{{description}}\n\nIf that was not you, change your password.", "html": "<p>{{description}}</p><p>If that was not you, change your password.</p>"},
  {"language": "fr", "subject": "Activité inhabituelle sur votre compte", "text": "{{description}}\n\nSi ce n’était pas vous, changez votre mot de passe.", "html": "<p>{{description}}</p><p>Si ce n’était pas vous, changez votre mot de passe.</p>"}
]');
