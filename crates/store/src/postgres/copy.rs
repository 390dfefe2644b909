//! Writes rows in the binary format of COPY straight into the buffers that are sent: the bulk load's only per-row work.
//! The format: <https://www.postgresql.org/docs/current/sql-copy.html#id-1.9.3.55.9.4>.

use super::rows::storable;
use bytes::{BufMut, Bytes, BytesMut};
use turnstone_types::Timestamp;

/// A buffer of this size is sent.
const CHUNK_BYTES: usize = 128 * 1024;
const SIGNATURE_AND_FLAGS: &[u8] = b"PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0";
/// Postgres counts its instants in microseconds from 2000-01-01T00:00:00Z.
const EPOCH_MICROSECONDS: i64 = 946_684_800_000_000;

/// Rows on their way into the server.
pub(super) struct CopyBuffer {
    bytes: BytesMut,
}

impl CopyBuffer {
    pub(super) fn new() -> Self {
        let mut bytes = BytesMut::with_capacity(CHUNK_BYTES + CHUNK_BYTES / 8);
        bytes.put_slice(SIGNATURE_AND_FLAGS);
        Self { bytes }
    }

    /// Begins a row, which must get as many fields as it says.
    pub(super) fn row(&mut self, fields: i16) -> &mut Self {
        self.bytes.put_i16(fields);
        self
    }

    pub(super) fn text(&mut self, text: &str) -> &mut Self {
        self.field(|bytes| bytes.put_slice(text.as_bytes()))
    }

    pub(super) fn optional_text(&mut self, text: Option<&str>) -> &mut Self {
        match text {
            Some(text) => self.text(text),
            None => {
                self.bytes.put_i32(-1);
                self
            }
        }
    }

    pub(super) fn instant(&mut self, instant: Timestamp) -> &mut Self {
        // Within the years 1 to 9999, far from the ends of the type.
        self.field(|bytes| bytes.put_i64(storable(instant).as_microsecond() - EPOCH_MICROSECONDS))
    }

    /// A field in the binary form of its type.
    pub(super) fn field(&mut self, write: impl FnOnce(&mut BytesMut)) -> &mut Self {
        let length_at = self.bytes.len();
        self.bytes.put_i32(0);
        write(&mut self.bytes);
        // The server refuses fields over 1 GB, and so does the length of texts long before.
        let length = (self.bytes.len() - length_at - 4) as i32;
        self.bytes[length_at..length_at + 4].copy_from_slice(&length.to_be_bytes());
        self
    }

    /// What is to be sent now, if there is enough of it.
    pub(super) fn take_full(&mut self) -> Option<Bytes> {
        (self.bytes.len() >= CHUNK_BYTES).then(|| self.bytes.split().freeze())
    }

    /// Ends the rows; what is left to be sent.
    pub(super) fn finish(mut self) -> Bytes {
        self.bytes.put_i16(-1);
        self.bytes.freeze()
    }
}
