/** What a restore that goes on may not do twice. A crash of the server empties unlogged tables. A restore that goes on afterwards brings their rows again, whatever it had made on them already: no key, trigger or rule meets these rows a second time. */
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { Definition, RestoreTarget } from '../../src/connectors/restore-target.ts';
import { connect } from '../connectors/postgres/fixture.ts';
import { startPostgres, type PostgresServer } from '../helpers/postgres-server.ts';
import type { CliResult } from '../cli/run-cli.ts';
import { Workbench } from './command-line.ts';
import { runSql } from './databases.ts';

/** The last thing of its restore is refused while the database says so. */
const SOURCE = `
  CREATE UNLOGGED TABLE parent (id int PRIMARY KEY, counted serial); INSERT INTO parent SELECT i FROM generate_series(1, 500) AS i;
  CREATE UNLOGGED TABLE a_child (id int PRIMARY KEY, parent int REFERENCES parent, note text); INSERT INTO a_child SELECT i, 1 + i % 500, repeat('x', 300) FROM generate_series(1, 20000) AS i;
  CREATE TABLE heard (what text); CREATE TABLE logged (id int PRIMARY KEY); INSERT INTO logged SELECT generate_series(1, 100);
  CREATE FUNCTION hear() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN INSERT INTO public.heard VALUES (TG_TABLE_NAME); RETURN NEW; END $$;
  CREATE TRIGGER hears AFTER INSERT ON parent FOR EACH ROW EXECUTE FUNCTION hear(); COMMENT ON TRIGGER hears ON parent IS 'tells of rows';
  CREATE RULE diverts AS ON INSERT TO a_child WHERE NEW.id < 0 DO INSTEAD NOTHING;
  ALTER TABLE a_child ADD CONSTRAINT late CHECK (id > 10) NOT VALID;
  ALTER TABLE a_child ENABLE ROW LEVEL SECURITY; CREATE POLICY few ON a_child USING (id < 5);
  CREATE TABLE measures (id int, kind text) PARTITION BY LIST (kind); CREATE TABLE kept PARTITION OF measures FOR VALUES IN ('kept'); CREATE UNLOGGED TABLE passing PARTITION OF measures FOR VALUES IN ('passing');
  INSERT INTO measures SELECT i, CASE WHEN i % 2 = 0 THEN 'kept' ELSE 'passing' END FROM generate_series(1, 100) AS i;
  CREATE TRIGGER hears AFTER INSERT ON measures FOR EACH ROW EXECUTE FUNCTION hear();
  CREATE FUNCTION tells() RETURNS event_trigger LANGUAGE plpgsql AS $$ BEGIN INSERT INTO public.heard VALUES (TG_TAG); END $$;
  CREATE EVENT TRIGGER commands ON ddl_command_end WHEN TAG IN ('CREATE TRIGGER', 'ALTER TABLE', 'CREATE RULE') EXECUTE FUNCTION tells();
  CREATE FUNCTION refuses() RETURNS int LANGUAGE plpgsql AS $$ BEGIN IF current_setting('app.refuses', true) = 'yes' THEN RAISE 'not now'; END IF; RETURN 1; END $$;
  CREATE MATERIALIZED VIEW looks AS SELECT refuses() AS one, count(*) FROM logged`;
const CONTENT = `SELECT (SELECT count(*) || ' ' || sum(id) || ' ' || max(counted) FROM parent), (SELECT count(*) || ' ' || sum(id) FROM a_child), (SELECT count(*) FROM heard), (SELECT string_agg(kind || id, ' ' ORDER BY id) FROM measures),
  (SELECT count(*) FROM logged), (SELECT string_agg(concat(conname, contype, convalidated), ' ' ORDER BY conname) FROM pg_constraint WHERE conrelid IN ('a_child'::regclass, 'parent'::regclass) AND contype <> 'n'),
  (SELECT string_agg(concat(tgname, tgrelid::regclass), ' ' ORDER BY tgrelid::regclass::text, tgname) FROM pg_trigger WHERE NOT tgisinternal), (SELECT obj_description(oid) FROM pg_trigger WHERE tgrelid = 'parent'::regclass AND tgname = 'hears'),
  (SELECT count(*) FROM pg_rewrite WHERE rulename = 'diverts'), (SELECT count(*) FROM pg_policy), (SELECT relrowsecurity FROM pg_class WHERE relname = 'a_child'), (SELECT last_value FROM parent_counted_seq), (SELECT string_agg(evtname, ' ') FROM pg_event_trigger)`;

let server: PostgresServer, bench: Workbench;
beforeEach(async () => {
  server = await startPostgres({ version: 'debian' });
  bench = new Workbench();
});
afterEach(async () => {
  bench.remove();
  await server.stop();
});

/** The newest run goes on. */
async function resume(target: string): Promise<CliResult> {
  const { runs: [{ run }] } = JSON.parse((await bench.sluice(['runs', 'list', '--json'])).stdout) as { runs: { run: string }[] };
  return bench.sluice(['runs', 'resume', run, '--to', target, '--json']);
}

it('what a crash has emptied is loaded again, once, whatever was made on it already', { timeout: 120_000 }, async () => {
  const source = await server.createDatabase('source');
  await runSql(source, SOURCE);
  const repository = bench.path('repository'), wanted = await runSql(source, CONTENT);
  expect(await bench.sluice(['backup', source, '--to', repository, '--quiet'])).toMatchObject({ code: 0 });
  const target = await server.createDatabase('target');
  await runSql(target, "ALTER DATABASE target SET app.refuses = 'yes'");
  // Twice: the second crash comes when the first has been mended.
  for (const begin of [() => bench.sluice(['restore', repository, '--to', target, '--json']), () => resume(target)]) {
    expect((await begin()).stderr).toContain('not now');
    expect(await runSql(target, 'SELECT count(*) FROM a_child')).toEqual([['20000']]);
    await server.kill('SIGKILL');
    await server.restart();
    expect(await runSql(target, 'SELECT (SELECT count(*) FROM a_child), (SELECT count(*) FROM parent), (SELECT count(*) FROM passing), (SELECT count(*) FROM kept)')).toEqual([['0', '0', '0', '50']]);
  }
  await runSql(target, 'ALTER DATABASE target RESET app.refuses');
  const ended = await resume(target);
  expect(ended.code, ended.stderr).toBe(0);
  expect(await runSql(target, CONTENT)).toEqual(wanted);
  expect(await bench.sluice(['verify', repository, '--against', target, '--quiet'])).toMatchObject({ code: 0 });
});

it('event triggers of the backup hear nothing of what was done before they were there', { timeout: 120_000 }, async () => {
  const source = await server.createDatabase('source');
  // The owner of an event trigger must be a superuser.
  await runSql(source, `CREATE ROLE watcher SUPERUSER;
    CREATE TABLE parent (id int PRIMARY KEY); CREATE TABLE child (id int PRIMARY KEY, parent int REFERENCES parent); INSERT INTO parent VALUES (1); INSERT INTO child VALUES (1, 1);
    CREATE TABLE heard (what text); CREATE MATERIALIZED VIEW looks AS SELECT count(*) FROM child;
    CREATE FUNCTION tells() RETURNS event_trigger LANGUAGE plpgsql AS $$ BEGIN INSERT INTO public.heard VALUES (TG_TAG); END $$;
    CREATE EVENT TRIGGER a ON ddl_command_end EXECUTE FUNCTION tells(); CREATE EVENT TRIGGER b ON sql_drop EXECUTE FUNCTION tells(); ALTER EVENT TRIGGER b OWNER TO watcher; TRUNCATE heard`);
  expect(await bench.sluice(['backup', source, '--to', bench.path('repository'), '--quiet'])).toMatchObject({ code: 0 });
  const target = await server.createDatabase('target');
  await runSql(source, 'ALTER ROLE watcher NOSUPERUSER');
  expect((await bench.sluice(['restore', bench.path('repository'), '--to', target, '--json'])).stderr).toContain('EVENT TRIGGER b');
  expect(await runSql(target, 'SELECT evtname FROM pg_event_trigger')).toEqual([['a']]);
  await runSql(source, 'ALTER ROLE watcher SUPERUSER');
  const ended = await resume(target);
  expect(ended.code, ended.stderr).toBe(0);
  expect(await runSql(target, 'SELECT (SELECT count(*) FROM heard), (SELECT count(*) FROM pg_event_trigger), (SELECT count(*) FROM child)')).toEqual([['0', '2', '1']]);
});

it('what has replaced the old is not given up when the old is gone', { timeout: 120_000 }, async () => {
  const url = await server.createDatabase('target');
  await runSql(url, 'CREATE TABLE t (old int); INSERT INTO t VALUES (1)');
  const table: Definition = { id: 1, description: 'TABLE', tag: 't', namespace: 'public', owner: '', tablespace: null, accessMethod: null, relkind: 'r', sql: 'CREATE TABLE public.t (new int);', dropSql: 'DROP TABLE public.t;' };
  const connection = await connect(url);
  const open = (resumes: boolean): Promise<RestoreTarget> => connection.openRestore!({ run: '1m82kf2fdbp6mk', signal: new AbortController().signal, resumes, noOwner: false, unqualified: false, clean: true, isDone: () => false });
  const nothing = { owners: [], tablespaces: [], accessMethods: [] };
  async function* made(): AsyncGenerator<Definition, void, undefined> { yield table; }
  for (const isFinished of [false, true]) {
    const restore = await open(false);
    await restore.begin(nothing);
    await restore.setAside([table]);
    await restore.define(table);
    if (isFinished) await restore.finish();
    // Its process dies here, and another one is to give the run up.
    await restore.close();
    const later = await open(true);
    await later.begin(nothing);
    if (isFinished) await expect(later.undo(made())).rejects.toMatchObject({ code: 'DISCARD_REFUSED' });
    else await later.undo(made());
    expect(await runSql(url, "SELECT attname FROM pg_attribute WHERE attrelid = 't'::regclass AND attnum > 0")).toEqual([[isFinished ? 'new' : 'old']]);
    // Going on ends it.
    if (isFinished) await later.finish();
    if (isFinished) await later.forget();
    await later.close();
    expect(await runSql(url, "SELECT nspname FROM pg_namespace WHERE nspname LIKE 'sluice%'")).toEqual([]);
  }
  await connection.close();
});
