// What a word with digits is, and which words make the number behind them a code: the twin of crates/types/src/template/word.rs.
import {
  ascii,
  asciiLower,
  at,
  type Bytes,
  code,
  DIGIT,
  HEX,
  is,
  NONE,
  oneOf,
  type Out,
  startsWithExactly,
} from './bytes';

export const MARKS = ['num', 'ip', 'mac', 'hex', 'id', 'path', 'url', 'mail', 'time', 'high', 'long'] as const;

/** The end of the mark that starts at `from`, if one does. */
export function markEnd(bytes: Bytes, from: number): number {
  if (at(bytes, from) !== code('<')) return NONE;
  for (const name of MARKS) {
    if (startsWithExactly(bytes, from + 1, name) && at(bytes, from + 1 + name.length) === code('>'))
      return from + name.length + 2;
  }
  return NONE;
}

/** Names with digits that stay. */
const NAMES = new Set(
  (
    '3des 7z 7zip a2dp aarch64 aes128 aes256 amd64 arm64 armv7 armv8 b2b base32 base64 bz2 bzip2 c3p0 crc16 crc32 ' +
    'crc32c db2 des3 dhcp4 dhcp6 dhcpv4 dhcpv6 e2fsck ec2 ed25519 es256 es6 ext2 ext3 ext4 f16 f32 f64 float32 ' +
    'float64 fp16 gp2 gp3 h2 h264 h265 h2c h3 hs256 http2 http3 i18n i2c i32 i386 i486 i586 i64 i686 icmp6 icmpv6 ' +
    'imap4 inet6 int16 int32 int64 int8 ip4 ip6 ip6tables ipv4 ipv6 iso8859 java8 k3s k8s l10n l1d latin1 log4j ' +
    'log4j2 log4net lz4 md4 md5 mp3 mp4 neo4j nfs3 nfs4 nfsv3 nfsv4 oauth1 oauth2 p2p p50 p90 p95 p99 perl5 php5 ' +
    'php7 php8 pkcs11 pkcs12 pkcs7 pkcs8 pop3 python2 python3 raid0 raid1 raid10 raid5 raid6 rc4 rs256 s3 sha1 ' +
    'sha256 sha3 sha384 sha512 slf4j smb1 smb2 smb3 snmpv2 snmpv3 ssh1 ssh2 sslv2 sslv3 tcp4 tcp6 tlsv1 udp4 udp6 ' +
    'uint64 utf16 utf8 v4l2 win32 x86_64 x64 x86 x509 uint8 uint16 uint32 u32 u64 utf8mb4 win64 y2k'
  ).split(' '),
);

/** Whether a word with digits is a name to keep. */
export function isName(bytes: Bytes, from: number, end: number): boolean {
  return end - from >= 2 && end - from <= 10 && NAMES.has(asciiLower(ascii(bytes, from, end)));
}

/** Device names of which only the kind stays. */
const DEVICES = ['nvme', 'mmcblk', 'enp', 'ens', 'eno', 'wlp', 'enx', 'veth', 'cali'];

export type Part = 'name' | 'hex' | 'id' | 'digits' | { prefix: number };

/** Judges a part of a word that has at least one digit and a letter, and is not a name. */
export function part(bytes: Bytes, from: number, end: number): Part {
  if (isName(bytes, from, end)) return 'name';
  const length = end - from;
  let changes = 0;
  let letters = 0;
  let hex = true;
  for (let index = from; index < end; index += 1) {
    const digit = is(bytes, index, DIGIT);
    if (!digit) letters += 1;
    hex &&= is(bytes, index, HEX);
    if (index > from && digit !== is(bytes, index - 1, DIGIT)) changes += 1;
  }
  if (letters === 0) return 'digits';
  const lower = asciiLower(ascii(bytes, from, Math.min(end, from + 8)));
  for (const device of DEVICES) {
    if (length > device.length && lower.startsWith(device) && is(bytes, from + device.length, DIGIT))
      return { prefix: device.length };
  }
  if (hex && (length >= 6 || (changes >= 2 && length >= 4) || is(bytes, from, DIGIT))) return 'hex';
  if (changes >= 4 || (length >= 16 && changes >= 3) || (length >= 24 && changes >= 2)) return 'id';
  return 'digits';
}

const UNITS = new Set(
  (
    'msecs usecs ms s us ns m h d b k g t kb mb gb tb pb kib mib gib tib sec secs min mins msec usec nsec hr hrs hz ' +
    'khz mhz ghz bit bits byte bytes x c f v mv w a ma mw kw rpm st nd rd th px pct db dbm bps kbps mbps gbps gbit ' +
    'mbit day days pages seconds'
  ).split(' '),
);

/** Whether letters right behind a number are its unit. */
export function isUnit(letters: string): boolean {
  return letters.length <= 7 && UNITS.has(asciiLower(letters));
}

const MILLISECONDS = new Set(['ms', 'msec', 'msecs', 'millis', 'millisecond', 'milliseconds']);
const SECONDS = new Set(['s', 'sec', 'secs', 'seconds']);
const MICROSECONDS = new Set(['us', 'usec', 'usecs', 'microseconds']);

/** How an amount compares with what is ordinary. */
export function amountMark(whole: number, unit: string): string {
  const lower = asciiLower(unit);
  if (unit === '%') return whole >= 90 ? '<high>' : '<num>';
  if (unit === 'C') return whole >= 85 ? '<high>' : '<num>';
  if (MILLISECONDS.has(lower)) return whole >= 1_000 ? '<long>' : '<num>';
  if (SECONDS.has(lower)) return whole >= 10 ? '<long>' : '<num>';
  if (MICROSECONDS.has(lower)) return whole >= 1_000_000 ? '<long>' : '<num>';
  return '<num>';
}

const CODES = new Set(
  (
    'code status errno err error exit signal sig rc ret retval http exitcode exit_code status_code statuscode ' +
    'error_code errorcode errcode response xid exitstatus exit_status wtermsig'
  ).split(' '),
);
const RETURNS = new Set(['returned', 'return', 'returns', 'returning']);
const VERSIONS = ['HTTP/1.1', 'HTTP/1.0', 'HTTP/2', 'HTTP/2.0', 'HTTP/3'];

/** Whether the text before a number says that it is a code; `ends` says that the number ends a clause. */
export function codeFollows(before: Out, ends: boolean): boolean {
  let end = before.length;
  while (end > 0 && before.length - end < 5 && oneOf(before.bytes[end - 1]!, ' =:"\'([#-')) end -= 1;
  if (end === before.length) return false;
  if (VERSIONS.some((known) => before.endsWith(known, end))) return true;
  let start = end;
  while (start > 0 && end - start < 12 && /[A-Za-z_]/.test(String.fromCharCode(before.bytes[start - 1]!))) start -= 1;
  const word = asciiLower(ascii(before.bytes, start, end));
  return word.length >= 2 && (CODES.has(word) || (ends && RETURNS.has(word)));
}

const METHODS = ['GET', 'POST', 'PUT', 'DELETE', 'HEAD', 'PATCH', 'OPTIONS'];

/** Whether the text before a number is a method and a target, as in `GET /x 500 12 ms`. */
export function requestBefore(before: Out): boolean {
  if (!before.endsWith(' ')) return false;
  const end = before.length - 1;
  let space = end - 1;
  while (space >= 0 && before.bytes[space] !== code(' ')) space -= 1;
  if (space < 0 || space === end - 1) return false;
  return METHODS.some((method) => before.endsWith(method, space));
}

const REASONS = new Set([
  'ok',
  'created',
  'accepted',
  'no',
  'partial',
  'moved',
  'found',
  'not',
  'bad',
  'unauthorized',
  'forbidden',
  'method',
  'request',
  'too',
  'internal',
  'service',
  'gateway',
  'conflict',
]);

/** Whether the word behind a three-digit number is the start of an HTTP reason phrase. */
export function isReason(word: string): boolean {
  return word.length <= 12 && REASONS.has(asciiLower(word));
}
