//! Access logs in the common and combined formats: `host ident user [18/Nov/2026:10:00:00 +0000] "GET / …`.

use super::{Format, named_month};
use crate::parse::{Header, TimeContext};
use memchr::memmem;

/// Bytes in which the bracket is looked for: a host name, an ident and a user come before it.
const HOST_BYTES_MAX: usize = 320;

/// States no severity: a status code is the client's affair as often as the server's.
pub(super) fn access(line: &[u8], context: &TimeContext) -> Option<Header> {
    let window = &line[..line.len().min(HOST_BYTES_MAX)];
    let bracket = memmem::find(window, b" [")?;
    let found = named_month::day_month_year(&line[bracket + 2..], context)?;
    (found.format == Format::AccessLog).then(|| Header::dated(found.time, None, Format::AccessLog))
}
