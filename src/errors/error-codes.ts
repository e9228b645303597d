/**
 * The registry of every coded error. A code is public API: it never changes its meaning and is never reused.
 * docs/errors.md lists the same codes; test/errors/error-codes.test.ts holds both together.
 *
 * `message` is a template: `{fact}` is replaced by the fact of that name. `exit` is the exit code of the CLI
 * (docs/exit-codes.md), `http` the status of the server, `retryable` whether the same call may succeed later
 * without any change by the user.
 */
export interface ErrorDefinition {
  readonly message: string;
  readonly exit: ExitCode;
  readonly http: number;
  readonly hint: string;
  readonly retryable?: true;
}

/** 1 failed, 2 usage, 4 unbalanced or verification failed, 130 cancelled (0 done, 3 done with rejects are not errors). */
export type ExitCode = 1 | 2 | 4 | 130;

const define = <T extends Record<string, ErrorDefinition>>(table: T): { readonly [K in keyof T]: ErrorDefinition } => table;

export const ERROR_CODES = define({
  // — usage —
  USAGE: { message: '{what}', exit: 2, http: 400, hint: 'See `sluice --help` or `sluice COMMAND --help`.' },
  CONFIG_INVALID: { message: 'The configuration {file} is not valid: {what}', exit: 2, http: 400, hint: 'Correct the named setting; docs/configuration.md lists them all.' },
  CONNECTION_UNKNOWN: { message: '"{name}" is neither a connection URL nor a named connection', exit: 2, http: 404, hint: 'Give a URL (postgres://…, duckdb:FILE) or define the name under "connections" in sluice.config.json.' },
  VARIABLE_UNSET: { message: 'The environment variable {variable}, used by {where}, is not set', exit: 2, http: 400, hint: 'Set the variable and run again.' },
  FORMAT_UNKNOWN: { message: 'Cannot tell the format of {source}', exit: 2, http: 400, hint: 'Say it with --format csv|json|ndjson|parquet|sql.' },
  OPTION_UNSUPPORTED: { message: '{option} is not supported {context}', exit: 2, http: 400, hint: 'Leave the option out, or choose another format or target.' },

  // — sources of bytes —
  SOURCE_NOT_FOUND: { message: 'There is no file or folder {path}', exit: 1, http: 404, hint: 'Check the path; a glob must be quoted so that the shell does not expand it.' },
  SOURCE_IS_DIRECTORY: { message: '{path} is a folder, and a file is needed here', exit: 1, http: 400, hint: 'Name a file, or files with a glob in quotes. A folder is imported as one table per file: leave out --table.' },
  SOURCE_UNREADABLE: { message: 'Cannot read {path}: {reason}', exit: 1, http: 500, hint: 'Check the permissions and the disk.' },
  SOURCE_EMPTY: { message: '{source} is empty', exit: 1, http: 400, hint: 'An empty file has no columns. If the producer failed, run it again.' },
  SOURCE_CHANGED: { message: '{source} changed while it was read', exit: 1, http: 409, hint: 'Run again when nothing writes to it.' },
  NO_FILES: { message: 'No file in {path} can be imported', exit: 1, http: 404, hint: 'Known endings: .csv .tsv .txt .json .ndjson .jsonl .parquet .sql, each also with .gz or .zst.' },
  BACKUP_UNKNOWN: { message: 'There is no backup "{backup}" in {path}', exit: 1, http: 404, hint: 'There is: {candidates}.' },
  BACKUP_AMBIGUOUS: { message: 'Cannot tell which backup in {path} is the newest: {candidates}', exit: 2, http: 409, hint: 'Say which with --pick NAME.' },
  BACKUP_EMPTY: { message: 'Nothing of {source} is left to restore', exit: 1, http: 400, hint: 'Check --table and --exclude, and the notes of `--dry-run`.' },
  HTTP_SOURCE_FAILED: { message: 'Cannot read {url}: {reason}', exit: 1, http: 502, hint: 'Open the URL with another client; check the address and access rights.' },
  COMPRESSION_CORRUPT: { message: 'The compressed data of {source} is damaged or cut off: {reason}', exit: 1, http: 400, hint: 'Fetch the file again; test it with `gzip -t` or `zstd -t`.' },

  // — content of a source —
  CSV_MALFORMED: { message: 'Malformed CSV in {source}: {reason}', exit: 1, http: 400, hint: 'Correct the record, or say the dialect with --delimiter, --quote, --escape.' },
  CSV_FIELD_COUNT: { message: 'A record of {source} has {found} fields, and {expected} were expected', exit: 1, http: 400, hint: 'Correct the record; check --delimiter and --quote.' },
  CSV_NO_COLUMNS: { message: '{source} has no columns', exit: 1, http: 400, hint: 'Check the file and --delimiter; the first line should name the columns, or use --no-header.' },
  CSV_IRREGULAR: { message: 'Parts of {source} are written in a way that DuckDB\'s own CSV reader takes for something else', exit: 1, http: 400, hint: 'Run again: Sluice looks at the whole file first and reads it by itself. If this stays, please report it.' },
  RECORD_TOO_LARGE: { message: 'A record of {source} is larger than {limit} bytes', exit: 1, http: 413, hint: 'Usually a missing quote or a wrong line end. If the record is right, raise --max-record-size.' },
  ENCODING_INVALID: { message: 'Bytes of {source} that are not valid {encoding}', exit: 1, http: 400, hint: 'Say the true encoding with --encoding (utf-8, utf-16le, utf-16be, latin1, windows-1252).' },
  NUL_BYTE: { message: 'A text of {source} has a NUL character, which {target} cannot store', exit: 1, http: 400, hint: 'Remove the character at the source, or import the column as bytes.' },
  JSON_MALFORMED: { message: 'Malformed JSON in {source}: {reason}', exit: 1, http: 400, hint: 'Correct the document at the named place.' },
  JSON_NOT_RECORDS: { message: '{source} is valid JSON but holds no records: {reason}', exit: 1, http: 400, hint: 'Records are objects in an array, in an array under a key (say which with --json-path KEY), or one per line.' },
  JSON_UNKNOWN_KEY: { message: 'A record of {source} has the key "{key}", and the table {table} has no such column', exit: 1, http: 400, hint: 'Add the column, map it with --map KEY=COLUMN, or leave keys out with --columns.' },
  SQL_MALFORMED: { message: 'Cannot read the SQL of {source}: {reason}', exit: 1, http: 400, hint: 'Dumps with INSERT … VALUES and COPY … FROM stdin are read; other statements that change rows are refused.' },
  PARQUET_UNREADABLE: { message: 'Cannot read the Parquet file {source}: {reason}', exit: 1, http: 400, hint: 'Check the file with another reader; encrypted files are not supported.' },
  SCHEMA_SURPRISE: { message: 'A value of {source} does not fit the type {type} that was detected for column "{column}"', exit: 1, http: 400, hint: 'Say the type with --type COLUMN=text, or correct the value.' },

  // — databases —
  CONNECT_REFUSED: { message: 'No server answers at {address}', exit: 1, http: 502, hint: 'Check host and port and that the server runs.', retryable: true },
  CONNECT_TIMEOUT: { message: '{address} did not answer within {seconds} s', exit: 1, http: 504, hint: 'Check host, port and firewall.', retryable: true },
  CONNECT_TLS: { message: 'TLS with {address} failed: {reason}', exit: 1, http: 502, hint: 'Check sslmode, sslrootcert and the host name in the certificate.' },
  AUTH_FAILED: { message: '{address} refused the user "{user}": {reason}', exit: 1, http: 502, hint: 'Check user and password (URL, PGPASSWORD or .pgpass) and pg_hba.conf.' },
  DATABASE_UNKNOWN: { message: 'There is no database "{database}" at {address}', exit: 1, http: 404, hint: 'Create it, or correct the name at the end of the URL.' },
  CONNECTION_LOST: { message: 'The connection to {address} was lost: {reason}', exit: 1, http: 502, hint: 'Check the server\'s log, then run again.', retryable: true },
  TOO_MANY_CONNECTIONS: { message: '{address} has no connection left', exit: 1, http: 503, hint: 'Lower --jobs, or raise max_connections.', retryable: true },
  PERMISSION_DENIED: { message: '{connection} refused: {reason}', exit: 1, http: 403, hint: 'Grant the missing right to the user, or connect as another.' },
  TABLE_UNKNOWN: { message: 'There is no table {table} in {connection}', exit: 1, http: 404, hint: '{suggestion}' },
  TABLE_AMBIGUOUS: { message: '"{source}" may mean several tables: {candidates}', exit: 2, http: 409, hint: 'Say which with --map-table NAME=TABLE.' },
  TABLE_TWICE: { message: '"{source}" and "{other}" both lead to the table {table}', exit: 2, http: 409, hint: 'Say where they go with --map-table NAME=TABLE, or leave one out with --exclude.' },
  TABLE_EXISTS: { message: 'The table {table} exists already in {connection}', exit: 1, http: 409, hint: 'Use --mode append, replace or upsert.' },
  COLUMN_UNKNOWN: { message: 'The table {table} has no column "{column}"', exit: 1, http: 400, hint: '{suggestion}' },
  COLUMN_MISSING: { message: 'Column "{column}" of {table} needs a value and {source} has none', exit: 1, http: 400, hint: 'Map a field to it with --map FIELD=COLUMN, or give the column a default.' },
  KEY_REQUIRED: { message: 'Upsert into {table} needs a key', exit: 2, http: 400, hint: 'Give --key COLUMN…, or add a primary key to the table.' },
  VALUE_INVALID: { message: 'A value does not fit column "{column}" of {table}: {reason}', exit: 1, http: 400, hint: 'Correct the value, or change the type of the column.' },
  ROW_INVALID: { message: 'A row does not fit {table}: {reason}', exit: 1, http: 400, hint: 'Correct the row.' },
  CONSTRAINT_VIOLATED: { message: 'Rows violate the constraint "{constraint}" of {table}: {reason}', exit: 1, http: 409, hint: 'Correct the rows, or use --mode upsert for rows that are there already.' },
  UNIQUE_VIOLATED: { message: 'A row of {table} has the key of another row ({constraint}): {reason}', exit: 1, http: 422, hint: 'Remove the duplicate, or load with --mode upsert.' },
  NOT_NULL_VIOLATED: { message: 'A row of {table} has no value in column "{column}", which must have one', exit: 1, http: 422, hint: 'Give a value at the source, or with --set when the row is replayed.' },
  CHECK_VIOLATED: { message: 'A row of {table} breaks the check {constraint}: {reason}', exit: 1, http: 422, hint: 'Correct the row; the definition of the check is in the database.' },
  FOREIGN_KEY_VIOLATED: { message: 'A row of {table} refers to a row that does not exist ({constraint}): {reason}', exit: 1, http: 422, hint: 'Load the parent first, or with the same run.' },
  EXCLUSION_VIOLATED: { message: 'A row of {table} conflicts with another row ({constraint}): {reason}', exit: 1, http: 422, hint: 'Correct one of the two rows.' },
  TOO_MANY_REJECTED: { message: '{rejected} rows were rejected, and the limit is {limit}', exit: 1, http: 422, hint: 'Nothing was published. See the rows with `sluice quarantine show RUN`, or raise --max-errors.' },
  STATEMENT_ENDED: { message: '{connection} ended a statement: {reason}', exit: 1, http: 504, hint: 'A time limit, or somebody with the right to. Raise the limit for this user, or run again with a smaller --part-size.', retryable: true },
  DEADLOCK: { message: '{connection} could not give a lock: {reason}', exit: 1, http: 409, hint: 'Others write to the same tables. Run again when they are done.', retryable: true },
  SERVER_MEMORY_FULL: { message: '{connection} has no memory left: {reason}', exit: 1, http: 507, hint: 'Free memory on the server, or run again with fewer --jobs and a smaller --part-size.', retryable: true },
  SERVER_DISK_FULL: { message: '{connection} has no disk space left', exit: 1, http: 507, hint: 'Free space on the server, then run again.' },
  DATABASE_ERROR: { message: '{connection} refused: {reason}', exit: 1, http: 500, hint: 'The message is the server\'s own; its log may say more.' },
  QUERY_INVALID: { message: 'The query was refused: {reason}', exit: 1, http: 400, hint: 'Correct the query or the condition (`--query`, `--where`).' },
  SERVER_UNSUPPORTED: { message: '{connection} is version {version}; {supported} is supported', exit: 1, http: 400, hint: 'Use a supported server version.' },
  POOLER_DETECTED: { message: '{connection} is a pooler that does not give each session a server of its own: {reason}', exit: 1, http: 400, hint: 'Connect to the server itself, or to a pool in session mode.' },
  TARGET_READ_ONLY: { message: '{connection} takes no writes: {reason}', exit: 1, http: 409, hint: 'It is a replica, or it or the user has default_transaction_read_only on: name the primary.' },
  REPLICA_CONFLICT: { message: 'The replica {connection} ended a read in favour of changes that it had to replay: {reason}', exit: 1, http: 503, hint: 'Raise max_standby_streaming_delay there, or turn hot_standby_feedback on, and run the same again: a backup finds what it has stored.', retryable: true },
  ROW_SECURITY: { message: 'Row security would hide rows of {table} from the user "{user}"', exit: 1, http: 403, hint: 'Connect as the owner or as a role with BYPASSRLS.' },
  ENGINE_ERROR: { message: 'The embedded engine refused: {reason}', exit: 1, http: 500, hint: 'The message is DuckDB\'s own.' },
  DATABASE_LOCKED: { message: '{path} is open in another process', exit: 1, http: 409, hint: 'Close the other process; a DuckDB file has one writer.', retryable: true },

  // — targets of bytes —
  TARGET_EXISTS: { message: '{path} exists already', exit: 1, http: 409, hint: 'Choose another name, or say --overwrite.' },
  TARGET_UNWRITABLE: { message: 'Cannot write {path}: {reason}', exit: 1, http: 500, hint: 'Check the folder and its permissions.' },
  DISK_FULL: { message: 'No space left for {path}', exit: 1, http: 507, hint: 'Free space or choose another place. Nothing partial was left behind.' },
  OUTPUT_CLOSED: { message: 'The reader of the output went away', exit: 1, http: 499, hint: 'The output is incomplete: run again.' },

  // — runs —
  CANCELLED: { message: 'The run was cancelled', exit: 130, http: 499, hint: 'The target was left as it was; only a restore of a whole database keeps what it has done, for `sluice runs resume` or `discard`.' },
  RECEIPT_UNBALANCED: { message: 'The receipt of {table} does not balance: read {read}, written {written}, rejected {rejected}, duplicate {duplicate}, skipped {skipped}', exit: 4, http: 500, hint: 'This is a defect of Sluice or of the target, unless somebody has changed the files of the quarantine: please report it with the run id. Look at the target first: it may be published.' },
  DOWNLOAD_UNKNOWN: { message: 'The download {run} is not there to be fetched', exit: 1, http: 404, hint: 'A download is fetched once, within 20 seconds, by whoever began it: begin it again.' },
  RUN_UNKNOWN: { message: 'There is no run {run}', exit: 1, http: 404, hint: '`sluice runs list` shows the runs.' },
  RUN_ACTIVE: { message: 'The run {run} is under way in process {pid} of {host}', exit: 1, http: 409, hint: 'Wait until it ends, or stop it with `sluice runs cancel`.' },
  DISCARD_REFUSED: { message: 'The run {run} cannot be given up: {reason}', exit: 1, http: 409, hint: 'Go on with it: `sluice runs resume {run}`.' },
  RESUME_REFUSED: { message: 'The run {run} cannot be resumed: {reason}', exit: 1, http: 409, hint: 'Start it again; an unfinished run has published nothing.' },
  RUN_NOT_ACTIVE: { message: 'The run {run} is {status}', exit: 1, http: 409, hint: 'Only a running run can be cancelled.' },
  QUARANTINE_EMPTY: { message: 'The run {run} has no rejected rows', exit: 1, http: 404, hint: '`sluice quarantine list` shows the runs that have some.' },
  QUARANTINE_DAMAGED: { message: 'The quarantine file {path} is damaged: {reason}', exit: 1, http: 500, hint: 'The other files of the folder can still be read; docs/quarantine.md says what is in them.' },
  REPLAY_IMPOSSIBLE: { message: 'The rejected rows of {table} cannot be replayed: {reason}', exit: 1, http: 409, hint: 'Correct them with `sluice quarantine export RUN --records --to FILE`, then `replay RUN --from FILE`.' },
  REPLAYED_ALREADY: { message: 'The rejected rows of {table} were replayed already, by the run {earlier}, which {state}', exit: 1, http: 409, hint: 'Rows that this replay rejected are in its own quarantine. --again loads the others once more.' },
  EXPRESSION_INVALID: { message: 'The expression of --set {column} was refused: {reason}', exit: 1, http: 400, hint: 'Every field is text: cast where a number or a date is meant, as in CAST(price AS DECIMAL(10,2)) * 100.' },
  WORKSPACE_UNUSABLE: { message: 'The workspace {path} cannot be used: {reason}', exit: 1, http: 500, hint: 'Check the folder, or set SLUICE_HOME to another.' },
  WORKSPACE_TOO_NEW: { message: 'The workspace {path} was written by a newer Sluice (format {found}, this one knows {known})', exit: 1, http: 500, hint: 'Use the newer version.' },

  // — the server —
  REQUEST_INVALID: { message: 'The request is not valid: {what}', exit: 2, http: 400, hint: 'The description of the API is at /api/v1/openapi.json.' },
  SIGN_IN_NEEDED: { message: 'This needs a token: {reason}', exit: 1, http: 401, hint: 'Send `Authorization: Bearer TOKEN`; `sluice token create` makes one, `sluice token link` a link for the browser.' },
  ROLE_INSUFFICIENT: { message: 'This needs the role {needed}, and the token has the role {role}', exit: 1, http: 403, hint: 'Ask an administrator for another token.' },
  ORIGIN_REFUSED: { message: 'The request was refused: {reason}', exit: 1, http: 403, hint: 'Open the server under the address that it was started with, or name its public address with --public-url.' },
  PATH_REFUSED: { message: '{path} is not below a folder that the server may use', exit: 1, http: 403, hint: 'Start the server with --files FOLDER for each folder whose files it may read and write.' },
  SQL_REFUSED: { message: 'The SQL was refused: {reason}', exit: 1, http: 403, hint: 'Over HTTP a query of an embedded database may read its own tables and nothing else.' },
  ROUTE_UNKNOWN: { message: 'There is nothing at {method} {path}', exit: 1, http: 404, hint: 'The description of the API is at /api/v1/openapi.json.' },
  TOKEN_UNKNOWN: { message: 'There is no token {token}', exit: 1, http: 404, hint: '`sluice token list` shows the tokens.' },
  REQUEST_STALLED: { message: 'The client sent nothing for {seconds} s', exit: 1, http: 408, hint: 'Send again. Nothing was kept.' },
  UPLOAD_CUT_OFF: { message: 'The upload ended in the middle, after {bytes} bytes', exit: 1, http: 400, hint: 'Send it again from its start; what had arrived was taken back.' },
  CONNECTION_EXISTS: { message: 'There is a connection "{name}" already', exit: 1, http: 409, hint: 'Choose another name, or remove that connection first.' },
  LOOK_TIMED_OUT: { message: 'The database has not answered within {seconds} s, and was told to stop', exit: 1, http: 504, retryable: true, hint: 'It is busy, or what was asked is locked by somebody: try again.' },
  POSITION_UNREACHABLE: { message: 'That position of {table} cannot be reached: {reason}', exit: 1, http: 400, hint: 'Ask again where it says so; or page through the rows with `cursor`, or load the table into the embedded database, whose rows are found by position.' },
  REPOSITORY_EXISTS: { message: 'The name "{name}" or its folder stands for a repository already', exit: 1, http: 409, hint: 'Choose another name, or use that one.' },
  REPOSITORY_NOT_NAMED: { message: 'The server knows no repository "{name}"', exit: 1, http: 404, hint: 'GET /api/v1/repositories lists those that it knows; an administrator makes others known.' },
  IDEMPOTENCY_CONFLICT: { message: 'The idempotency key was used before: {reason}', exit: 1, http: 409, hint: 'A key stands for one request. Use a new one for another request.' },
  REQUEST_TOO_LARGE: { message: 'The request is larger than {limit} bytes', exit: 1, http: 413, hint: 'Data is sent to /api/v1/import, which has no limit.' },
  REQUEST_HEAD_TOO_LARGE: { message: 'The address and the headers of the request are larger than {limit} bytes', exit: 1, http: 431, hint: 'Send a shorter query; what is long belongs into the body.' },
  MEDIA_TYPE_UNSUPPORTED: { message: 'A body of type {type} is not understood here', exit: 1, http: 415, hint: 'Send application/json.' },
  RATE_LIMITED: { message: 'Too many requests', exit: 1, http: 429, hint: 'Wait for as long as Retry-After says.', retryable: true },
  SERVER_BUSY: { message: 'The server has too much to do: {reason}', exit: 1, http: 503, hint: 'Try again later.', retryable: true },
  RUN_SUSPENDED: { message: 'The run was suspended because its server stops', exit: 1, http: 503, hint: 'Resume it when the server runs again, or with `sluice runs resume`.', retryable: true },
  SECRETS_UNREADABLE: { message: 'The secrets of the workspace cannot be read: {reason}', exit: 1, http: 500, hint: 'Start the server with the key file (--key-file) that it had when they were stored, or define the connections again.' },
  LISTEN_FAILED: { message: 'Cannot listen on {address}: {reason}', exit: 1, http: 500, hint: 'Choose another --port or --host.' },

  // — backups —
  DUMP_PROGRAM_MISSING: { message: 'pg_dump, which writes the schema, was not found {where}', exit: 1, http: 500, hint: 'Install the client programs of PostgreSQL {server} or newer, name one with --pg-dump or PG_DUMP, or leave the schema out with --data-only.' },
  DUMP_PROGRAM_TOO_OLD: { message: '{path} is version {version}, and the server is version {server}: it cannot write its schema', exit: 1, http: 500, hint: 'Install the client programs of PostgreSQL {server} or newer, name one with --pg-dump or PG_DUMP, or leave the schema out with --data-only.' },
  SCHEMA_CHANGED: { message: 'Definitions in {connection} were changed while pg_dump read them: {reason}', exit: 1, http: 409, hint: 'Nothing was listed. Run the same backup again: what was stored is found.', retryable: true },
  SCHEMA_DUMP_FAILED: { message: '{program} could not write the schema: {reason}', exit: 1, http: 500, hint: 'The words are its own. With --data-only the schema is left out.' },
  REPOSITORY_UNKNOWN: { message: 'There is no backup repository at {path}', exit: 1, http: 404, hint: 'Check the path. `sluice backup CONNECTION --to FOLDER` makes one.' },
  REPOSITORY_FOREIGN: { message: '{path} is not empty and is no backup repository: it has {found}', exit: 1, http: 409, hint: 'Name an empty or a new folder.' },
  REPOSITORY_TOO_NEW: { message: 'The repository {path} was written by a newer Sluice: {found}, and this one knows {known}', exit: 1, http: 500, hint: 'Use the newer version. Nothing was changed.' },
  REPOSITORY_DAMAGED: { message: 'The file {object} of the repository {path} is damaged: {reason}', exit: 4, http: 500, hint: 'docs/backup-format.md says what the file is and how to write it anew or do without it.' },
  REPOSITORY_LOCKED: { message: 'The repository {path} is in use: {purpose} by process {pid} of {host} since {since}', exit: 1, http: 409, hint: 'Wait until it ends. If that process is gone on another machine, its lock lapses {lapses}.', retryable: true },
  LOCK_LOST: { message: 'The lock on the repository {path} was lost: {reason}', exit: 1, http: 409, hint: 'The process stood still for longer than its lease. Run again; what is stored already is not stored twice.', retryable: true },
  BACKUP_DAMAGED: { message: 'The backup {backup} is damaged: {reason}', exit: 4, http: 500, hint: '`sluice verify REPOSITORY` says what is damaged and what can still be restored. Other backups are not affected by a damaged manifest.' },
  CHUNK_DAMAGED: { message: 'The chunk {chunk} of {path} is damaged: {reason}', exit: 4, http: 500, hint: '`sluice verify REPOSITORY` names the tables that need it. Delete its file: the next backup in which the same content is found writes it again, for all backups.' },
  CHUNK_MISSING: { message: 'The chunk {chunk} is missing in {path}', exit: 4, http: 500, hint: '`sluice verify REPOSITORY` names the tables that need it. The next backup in which the same content is found writes it again, for all backups.' },
  COMPARISON_FAILED: { message: '{connection} differs from {path} in {problems} tables, sequences and large objects: {summary}', exit: 4, http: 409, hint: 'The report says which rows. A live database goes on: it differs from its backup as soon as somebody writes.' },
  RESTORE_ENTRY_FAILED: { message: '{entry} cannot be restored: {reason}', exit: 1, http: 422, hint: 'The message is the server\'s own. Put its cause right and go on with `sluice runs resume`, or give the restore up with `sluice runs discard`.' },
  RESTORE_TARGET_IN_USE: { message: '{connection} has {objects} already', exit: 1, http: 409, hint: 'Name an empty database; or say --clean, which replaces them once their replacement is complete, or --data-only, which loads rows into them.' },
  RESTORE_UNFINISHED: { message: '{connection} has a restore that was interrupted: run {runs}', exit: 1, http: 409, hint: 'Go on with it (`sluice runs resume {run}`), or remove what it has made (`sluice runs discard {run}`), from the workspace where it was begun. Where that is gone, use a new database.' },
  RESTORE_CLEAN_BLOCKED: { message: 'What is in {connection} cannot be replaced without something that stays: {objects}', exit: 1, http: 409, hint: 'Nothing was changed. Drop what depends on it, restore it too (--table), or restore into a database of its own.' },
  EXTENSION_UNAVAILABLE: { message: '{connection} cannot install {names}', exit: 1, http: 409, hint: 'The backup needs these extensions: install their packages on the server of the target.' },
  BACKUP_PART_MISSING: { message: '{backup} has no {what}', exit: 1, http: 400, hint: '{suggestion}' },
  VERIFICATION_FAILED: { message: '{path} has {problems} problems: {summary}', exit: 4, http: 500, hint: 'Each is named in the report. What is not named is whole and can be restored.' },

  ARCHIVE_DAMAGED: { message: 'The pg_dump archive {source} is damaged: {reason}', exit: 1, http: 400, hint: 'Fetch the archive again, or dump again: its writer may have been stopped. What was read before this place is as it was dumped.' },
  ARCHIVE_UNSUPPORTED: { message: 'The pg_dump archive {source} cannot be read: {reason}', exit: 1, http: 400, hint: '{remedy}' },

  // — defects —
  INTERNAL: { message: 'Sluice failed: {reason}', exit: 1, http: 500, hint: 'This is a defect: please report it.' },
});

export type ErrorCode = keyof typeof ERROR_CODES;
