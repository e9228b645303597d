SET search_path = checklist, extensions;
SET client_min_messages = error; -- wal_level may be too low to publish, which matters to nobody here

CREATE PUBLICATION of_everything FOR ALL TABLES WITH (publish = 'insert, truncate');
CREATE PUBLICATION of_some FOR TABLE ONLY employees (id, manager) WHERE (id > 10), TABLE measures WITH (publish_via_partition_root = true);
CREATE PUBLICATION of_a_schema FOR TABLES IN SCHEMA "Upper Case", TABLE "select";
CREATE PUBLICATION of_nothing WITH (publish = '');
COMMENT ON PUBLICATION of_some IS 'a comment on a publication';
CREATE SUBSCRIPTION to_nowhere CONNECTION 'host=127.0.0.1 port=1 dbname=nowhere' PUBLICATION of_some, "of others" WITH (connect = false, slot_name = NONE, binary = true, synchronous_commit = 'off');
COMMENT ON SUBSCRIPTION to_nowhere IS 'a comment on a subscription';
