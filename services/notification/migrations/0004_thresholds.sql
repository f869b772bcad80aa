insert into templates (name, built_in, updated_at, variants) values
('threshold_reached', true, now(), '[
  {"language": "en", "subject": "{{name}}", "text": "{{metric}} is at {{value}}; you asked to hear of {{limit}}.", "html": "<p>{{metric}} is at <b>{{value}}</b>; you asked to hear of {{limit}}.</p>"},
  {"language": "fr", "subject": "{{name}}", "text": "{{metric}} est à {{value}} ; vous vouliez l’apprendre à {{limit}}.", "html": "<p>{{metric}} est à <b>{{value}}</b> ; vous vouliez l’apprendre à {{limit}}.</p>"}
]');
