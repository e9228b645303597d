-- Roles belong to the server, not to the database: they may be there from another database with the checklist. A server that
-- lacks them is the case "owners and grantees that the target does not have".
DO $$
DECLARE
  wanted text;
BEGIN
  FOREACH wanted IN ARRAY ARRAY['checklist_owner', 'checklist_reader', 'checklist_writer', 'checklist "odd" role'] LOOP
    BEGIN
      EXECUTE format('CREATE ROLE %I', wanted);
    EXCEPTION WHEN duplicate_object OR unique_violation THEN
      NULL;
    END;
  END LOOP;
END $$;
