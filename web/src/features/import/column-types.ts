/** Types that a column can be given by hand here; every other can be said on the command line. */
export const COLUMN_TYPES: readonly string[] = ['text', 'boolean', 'smallint', 'integer', 'bigint', 'numeric', 'double', 'date', 'time', 'timestamp', 'timestamptz', 'uuid', 'json'];
