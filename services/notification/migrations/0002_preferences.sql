create table topic_preferences (
  user_id uuid not null,
  topic text not null,
  channels text[] not null,
  digest text not null constraint topic_preferences_digest_known check (digest in ('off', 'daily', 'weekly')),
  constraint topic_preferences_pkey primary key (user_id, topic)
);

create table quiet_hours (
  user_id uuid constraint quiet_hours_pkey primary key,
  start_at text not null,
  end_at text not null,
  time_zone text not null
);

-- Browsers that take push messages.
create table push_subscriptions (
  id uuid constraint push_subscriptions_pkey primary key,
  user_id uuid not null,
  endpoint text not null constraint push_subscriptions_endpoint_unique unique,
  p256dh text not null,
  auth text not null,
  created_at timestamptz(3) not null
);

create index push_subscriptions_by_user on push_subscriptions (user_id, id);
