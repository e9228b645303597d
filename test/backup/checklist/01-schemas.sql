CREATE SCHEMA checklist;
CREATE SCHEMA "Upper Case" AUTHORIZATION checklist_owner;
CREATE SCHEMA empty_schema;
CREATE SCHEMA extensions;
COMMENT ON SCHEMA checklist IS 'Everything that a backup can get wrong.';
COMMENT ON SCHEMA public IS E'No longer what initdb wrote,\nin two lines';
REVOKE ALL ON SCHEMA public FROM PUBLIC;
GRANT USAGE ON SCHEMA public TO checklist_reader;

CREATE EXTENSION btree_gist SCHEMA extensions;
CREATE EXTENSION pg_trgm SCHEMA extensions;
CREATE EXTENSION hstore SCHEMA extensions;
CREATE EXTENSION citext SCHEMA extensions;
CREATE EXTENSION ltree SCHEMA extensions;
CREATE EXTENSION cube SCHEMA extensions;
CREATE EXTENSION postgres_fdw;
CREATE EXTENSION file_fdw;
CREATE EXTENSION pgcrypto SCHEMA "Upper Case";
COMMENT ON EXTENSION hstore IS 'a comment of ours on an extension';
