drop table idempotency_keys;
drop view principals;
drop table clients, signing_keys;
