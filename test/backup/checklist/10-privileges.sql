SET search_path = checklist, extensions;

ALTER TABLE serials OWNER TO checklist_owner;
ALTER FUNCTION overloaded(integer) OWNER TO checklist_owner;
ALTER TYPE mood OWNER TO checklist_owner;
ALTER SCHEMA empty_schema OWNER TO "checklist ""odd"" role";
ALTER MATERIALIZED VIEW z_first OWNER TO checklist_owner;
ALTER SERVER files OWNER TO checklist_owner;
GRANT USAGE ON SCHEMA checklist TO checklist_owner, checklist_reader, checklist_writer;
GRANT CREATE ON SCHEMA checklist TO checklist_owner WITH GRANT OPTION;
GRANT SELECT ON ALL TABLES IN SCHEMA checklist TO checklist_owner;
GRANT SELECT, INSERT, UPDATE ON employees TO checklist_writer WITH GRANT OPTION;
SET ROLE checklist_writer;
GRANT SELECT ON employees TO checklist_reader;
RESET ROLE;
GRANT SELECT (id), UPDATE (id, head), REFERENCES (head) ON departments TO checklist_reader;
GRANT SELECT ("quo""ted") ON U&"line\000Abreak; DROP TABLE x; --" TO "checklist ""odd"" role";
GRANT ALL ON "select" TO PUBLIC;
REVOKE DELETE, TRUNCATE ON serials FROM checklist_owner;
REVOKE ALL ON empty_table FROM postgres;
GRANT USAGE ON SEQUENCE counts_down TO checklist_reader;
REVOKE EXECUTE ON FUNCTION overloaded(text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION overloaded(text) TO checklist_reader;
REVOKE USAGE ON TYPE address FROM PUBLIC;
GRANT USAGE ON TYPE address TO checklist_writer;
REVOKE USAGE ON LANGUAGE another_plpgsql FROM PUBLIC;
GRANT USAGE ON FOREIGN SERVER nowhere TO checklist_reader;
GRANT USAGE ON FOREIGN DATA WRAPPER without_handler TO checklist_reader;
GRANT SELECT ON m_second, first_view, measures, far_away TO checklist_reader;
-- What initdb and extensions granted, changed
GRANT EXECUTE ON FUNCTION pg_catalog.pg_read_file(text) TO checklist_reader;
GRANT SELECT (rolname) ON pg_catalog.pg_authid TO checklist_reader;
REVOKE EXECUTE ON FUNCTION "Upper Case".gen_salt(text) FROM PUBLIC;

ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO checklist_reader;
ALTER DEFAULT PRIVILEGES REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC;
ALTER DEFAULT PRIVILEGES FOR ROLE checklist_owner IN SCHEMA checklist GRANT INSERT ON TABLES TO checklist_writer WITH GRANT OPTION;
ALTER DEFAULT PRIVILEGES FOR ROLE checklist_owner IN SCHEMA "Upper Case" GRANT USAGE ON SEQUENCES TO PUBLIC;
ALTER DEFAULT PRIVILEGES FOR ROLE "checklist ""odd"" role" GRANT USAGE ON SCHEMAS TO checklist_reader;
ALTER DEFAULT PRIVILEGES FOR ROLE checklist_owner REVOKE USAGE ON TYPES FROM PUBLIC;

COMMENT ON TABLE employees IS E'a comment on a table\nin two lines, with ''quotes'' and \\';
COMMENT ON COLUMN employees.manager IS 'a comment on a column';
COMMENT ON CONSTRAINT employees_manager_fkey ON employees IS 'a comment on a foreign key';
