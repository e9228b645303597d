import { ladderSuite, longRecordTest } from './format-suite-ladder.ts';
import { RECORD_FORMATS } from './format-suite-records.ts';

for (const format of RECORD_FORMATS) ladderSuite(format);

const formatNamed = (name: string): (typeof RECORD_FORMATS)[number] => RECORD_FORMATS.find((format) => format.name === name)!;
longRecordTest(formatNamed('csv'), '7,', '');
longRecordTest(formatNamed('csv'), '7,"', '"');
longRecordTest(formatNamed('ndjson'), '{"id":7,"name":"', '"}');
longRecordTest(formatNamed('ndjson'), 'nonsense "', '');
