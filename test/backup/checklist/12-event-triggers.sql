-- Last: from here on each CREATE TABLE and ALTER TABLE leaves a row, also that of a restore which creates these too early.
SET search_path = checklist, extensions;

CREATE TABLE ddl_log (tag text, at timestamptz DEFAULT now());
CREATE FUNCTION log_ddl() RETURNS event_trigger LANGUAGE plpgsql AS $$ BEGIN INSERT INTO checklist.ddl_log (tag) VALUES (tg_tag); END $$;
CREATE EVENT TRIGGER logs_ddl ON ddl_command_end WHEN TAG IN ('CREATE TABLE', 'ALTER TABLE') EXECUTE FUNCTION log_ddl();
CREATE EVENT TRIGGER refuses_drops ON sql_drop WHEN TAG IN ('DROP TABLE', 'DROP SCHEMA') EXECUTE FUNCTION log_ddl();
CREATE EVENT TRIGGER is_disabled ON ddl_command_start EXECUTE FUNCTION log_ddl();
ALTER EVENT TRIGGER is_disabled DISABLE;
ALTER EVENT TRIGGER refuses_drops ENABLE ALWAYS;
COMMENT ON EVENT TRIGGER logs_ddl IS 'a comment on an event trigger';
CREATE TABLE after_event_triggers (id integer);
