//! Owns the `template` normalisation: what a model trained for it sees of a log line, as documented in docs/template.md.
//! One pass over bytes, no locale, no regular expression. It leaves to the classifier which lines to give it and how much
//! of the result to read, and the stored text is never changed.

mod address;
mod bytes;
mod header;
mod link;
mod number;
mod path;
mod scan;
mod style;
mod time;
mod word;

#[cfg(test)]
mod tests;

/// Version of the rule. A model folder names the one it was trained for; any change of an output raises it.
pub const TEMPLATE_VERSION: u32 = 1;

/// All marks that the rule writes, without their angle brackets.
pub const TEMPLATE_MARKS: [&str; 11] = [
    "num", "ip", "mac", "hex", "id", "path", "url", "mail", "time", "high", "long",
];

/// Returns the template of `text`.
pub fn template(text: &str) -> String {
    let mut out = String::with_capacity(text.len().min(1024));
    write_template(text, &mut out);
    out
}

/// Writes the template of `text` into `out`, which is cleared first.
///
/// Takes time linear in the length of `text`, allocates only to grow `out`, never fails, and changes nothing when
/// it is applied to its own output. The output has no control characters, no run of spaces, and at most six times
/// the bytes of `text`.
pub fn write_template(text: &str, out: &mut String) {
    out.clear();
    let body = header::strip(text, out);
    scan::body(text, body, out);
}

/// What the rule keeps of a line's header, as it stands at the start of the line's template, and the byte at which the line's
/// message begins.
pub fn template_header(text: &str) -> (String, usize) {
    let mut kept = String::new();
    let body = header::strip(text, &mut kept);
    (kept, body)
}
