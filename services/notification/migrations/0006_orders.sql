insert into templates (name, built_in, updated_at, variants) values
('order_cancelled', true, now(), '[
  {"language": "en", "subject": "Your order is cancelled", "text": "Order {{order_id}} is cancelled. What you had paid for it was given back to you.", "html": "<p>Order {{order_id}} is cancelled.</p><p>What you had paid for it was given back to you.</p>"},
  {"language": "fr", "subject": "Votre commande est annulée", "text": "La commande {{order_id}} est annulée. Ce que vous aviez payé vous a été rendu.", "html": "<p>La commande {{order_id}} est annulée.</p><p>Ce que vous aviez payé vous a été rendu.</p>"}
]'),
('payment_refunded', true, now(), '[
  {"language": "en", "subject": "{{amount}} go back to you", "text": "Of your payment for order {{order_id}}, {{amount}} go back to you.", "html": "<p>Of your payment for order {{order_id}}, <b>{{amount}}</b> go back to you.</p>"},
  {"language": "fr", "subject": "{{amount}} vous sont rendus", "text": "De votre paiement pour la commande {{order_id}}, {{amount}} vous sont rendus.", "html": "<p>De votre paiement pour la commande {{order_id}}, <b>{{amount}}</b> vous sont rendus.</p>"}
]');
