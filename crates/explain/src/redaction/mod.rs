//! Takes secrets out of text before it leaves the process. `rules` says where a secret may stand, `values` which value is
//! one; here they become numbered placeholders and a report. What people see in Turnstone itself stays as it was written.

mod rules;
mod values;

#[cfg(test)]
mod tests;

use regex::Regex;
use rules::Span;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::sync::LazyLock;

/// Bytes of a text that are looked at; what is behind them is dropped, for nobody has looked at it.
pub const TEXT_BYTES_MAX: usize = 64 * 1024;

/// Lines behind the start of a private key that may still belong to it.
pub(crate) const KEY_BLOCK_LINES_MAX: usize = 64;

/// A secret may show only when the one around it is gone, so a text is gone over until nothing changes.
const PASSES_MAX: usize = 4;

static PLACEHOLDER: LazyLock<Regex> =
    LazyLock::new(|| rules::pattern(r"\[(secret|card|email|ip) ([0-9]{1,9})\]"));

/// What is taken out beside secrets.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RedactionOptions {
    /// Whether e-mail addresses go too.
    pub email_addresses: bool,
    /// Whether IP addresses go too.
    pub ip_addresses: bool,
}

/// What a redacted value was.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum SecretKind {
    /// The body of a private key in PEM.
    PrivateKey,
    /// A key of a cloud or another service, known by its form.
    ServiceKey,
    /// A JSON web token.
    Jwt,
    /// What follows `Authorization:`, `Bearer` or `Basic`.
    Authorization,
    /// The password of a URL.
    UrlPassword,
    /// A password by the name of its field, option or statement.
    Password,
    /// The hash of a password, as in `/etc/shadow`.
    PasswordHash,
    /// A token or key by the name of its field or option.
    Token,
    /// Cookies.
    Cookie,
    /// What signs a request or URL.
    Signature,
    /// The number of a payment card.
    CardNumber,
    /// An e-mail address.
    EmailAddress,
    /// An IP address.
    IpAddress,
}

impl SecretKind {
    /// The name in reports.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::PrivateKey => "private key",
            Self::ServiceKey => "service key",
            Self::Jwt => "JSON web token",
            Self::Authorization => "authorization",
            Self::UrlPassword => "password in a URL",
            Self::Password => "password",
            Self::PasswordHash => "password hash",
            Self::Token => "token or key",
            Self::Cookie => "cookie",
            Self::Signature => "signature",
            Self::CardNumber => "card number",
            Self::EmailAddress => "e-mail address",
            Self::IpAddress => "IP address",
        }
    }

    /// The word in the placeholder.
    fn placeholder(self) -> &'static str {
        match self {
            Self::CardNumber => "card",
            Self::EmailAddress => "email",
            Self::IpAddress => "ip",
            _ => "secret",
        }
    }
}

/// How many values of each kind were taken out. A value that stands twice counts twice.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RedactionReport {
    counts: BTreeMap<SecretKind, u32>,
}

impl RedactionReport {
    /// Kinds by name, with how many values of each.
    pub fn counts(&self) -> Vec<(String, u32)> {
        self.counts
            .iter()
            .map(|(kind, count)| (kind.as_str().to_owned(), *count))
            .collect()
    }

    /// How many values of one kind.
    pub fn count(&self, kind: SecretKind) -> u32 {
        self.counts.get(&kind).copied().unwrap_or(0)
    }

    /// How many values of all kinds.
    pub fn total(&self) -> u32 {
        self.counts.values().sum()
    }

    /// Adds what another text had.
    pub fn add(&mut self, other: &Self) {
        for (kind, count) in &other.counts {
            *self.counts.entry(*kind).or_default() += count;
        }
    }

    fn record(&mut self, kind: SecretKind) {
        *self.counts.entry(kind).or_default() += 1;
    }
}

/// Redacts the texts of one context: a value has the same placeholder wherever it stands in them.
///
/// Give it the lines in their order, for a private key may lie in several. Another one applied to the output changes
/// nothing. Takes time linear in the length of the text.
#[derive(Clone, Default)]
pub struct Redactor {
    options: RedactionOptions,
    numbers: HashMap<(&'static str, String), usize>,
    /// The last number given to each kind of placeholder.
    last_numbers: HashMap<&'static str, usize>,
    report: RedactionReport,
    /// Lines left in which a private key may go on.
    key_block_lines: usize,
}

impl fmt::Debug for Redactor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Its values are the secrets.
        let mut shown = f.debug_struct("Redactor");
        shown
            .field("options", &self.options)
            .field("report", &self.report);
        shown.finish_non_exhaustive()
    }
}

impl Redactor {
    /// A redactor that has seen nothing.
    pub fn new(options: RedactionOptions) -> Self {
        Self {
            options,
            ..Self::default()
        }
    }

    /// Returns `text` with placeholders such as `[secret 1]` for what must not leave.
    pub fn redact(&mut self, text: &str) -> String {
        self.redact_counted(text).0
    }

    /// As [`Self::redact`], with what this text alone had.
    pub fn redact_counted(&mut self, text: &str) -> (String, RedactionReport) {
        let mut report = RedactionReport::default();
        let mut text = cut(text).to_owned();
        for _ in 0..PASSES_MAX {
            let spans = self.spans(&text);
            if spans.is_empty() {
                break;
            }
            text = self.replace(&text, &spans, &mut report);
        }
        self.follow(&text);
        self.report.add(&report);
        (text, report)
    }

    /// What was taken out so far.
    pub fn report(&self) -> &RedactionReport {
        &self.report
    }

    /// Where secrets stand: in order, apart from each other and from placeholders.
    fn spans(&self, text: &str) -> Vec<Span> {
        let mut found = rules::find(text, &self.options);
        if self.key_block_lines > 0 {
            found.extend(rules::key_block_line(text));
        }
        found.sort_by_key(|span| (span.start, std::cmp::Reverse(span.end)));
        let mut merged: Vec<Span> = Vec::with_capacity(found.len());
        for span in found {
            match merged.last_mut() {
                Some(last) if span.start < last.end => last.end = last.end.max(span.end),
                _ => merged.push(span),
            }
        }
        if merged.is_empty() {
            return merged;
        }
        without_placeholders(text, &merged)
    }

    fn replace(&mut self, text: &str, spans: &[Span], report: &mut RedactionReport) -> String {
        let mut out = String::with_capacity(text.len());
        let mut copied = 0;
        for span in spans {
            out.push_str(&text[copied..span.start]);
            let word = span.kind.placeholder();
            let number = self.number(word, &text[span.start..span.end]);
            out.push_str(&format!("[{word} {number}]"));
            report.record(span.kind);
            copied = span.end;
        }
        out.push_str(&text[copied..]);
        out
    }

    fn number(&mut self, word: &'static str, value: &str) -> usize {
        let last = self.last_numbers.entry(word).or_default();
        *self.numbers.entry((word, value.to_owned())).or_insert_with(|| {
            *last += 1;
            *last
        })
    }

    /// Takes over numbers given by [`renumber`]; values that have none there are forgotten.
    pub(crate) fn renumber(&mut self, renumbering: &Renumbering) {
        let old = std::mem::take(&mut self.numbers);
        for ((word, value), number) in old {
            if let Some(number) = renumbering.get(&(word.to_owned(), number)) {
                self.numbers.insert((word, value), *number);
            }
        }
        self.last_numbers.clear();
        for word in ["secret", "card", "email", "ip"] {
            let given = renumbering.iter().filter(|((other, _), _)| other == word);
            self.last_numbers
                .insert(word, given.map(|(_, number)| *number).max().unwrap_or(0));
        }
    }

    /// Sees a line of the context that is not shown: a private key may begin or end in it.
    pub(crate) fn follow(&mut self, text: &str) {
        match rules::key_block_edge(text) {
            Some(rules::KeyBlockEdge::Begin) => self.key_block_lines = KEY_BLOCK_LINES_MAX,
            Some(rules::KeyBlockEdge::End) => self.key_block_lines = 0,
            None => self.key_block_lines = self.key_block_lines.saturating_sub(1),
        }
    }
}

/// Takes what is a placeholder already out of the spans.
fn without_placeholders(text: &str, spans: &[Span]) -> Vec<Span> {
    let placeholders: Vec<(usize, usize)> = PLACEHOLDER
        .find_iter(text)
        .map(|found| (found.start(), found.end()))
        .collect();
    let mut kept = Vec::with_capacity(spans.len());
    let mut first = 0;
    for span in spans {
        while placeholders.get(first).is_some_and(|(_, end)| *end <= span.start) {
            first += 1;
        }
        let mut start = span.start;
        let inside = placeholders[first..]
            .iter()
            .take_while(|(begin, _)| *begin < span.end);
        for (begin, end) in inside {
            keep(text, span, start, *begin, &mut kept);
            start = start.max(*end);
        }
        keep(text, span, start, span.end, &mut kept);
    }
    kept
}

/// Keeps a part of a span that holds anything worth hiding.
fn keep(text: &str, span: &Span, start: usize, end: usize, kept: &mut Vec<Span>) {
    if start < end && text[start..end].chars().any(char::is_alphanumeric) {
        kept.push(Span {
            start,
            end,
            kind: span.kind,
        });
    }
}

/// Cuts a text at the limit, in front of the word that would be cut through: half a key is not known as one.
fn cut(text: &str) -> &str {
    if text.len() <= TEXT_BYTES_MAX {
        return text;
    }
    let mut end = TEXT_BYTES_MAX;
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    let head = &text[..end];
    let boundary = head.rfind(|c: char| c.is_whitespace() || matches!(c, ',' | ';' | '&'));
    boundary.map_or("", |at| &head[..at])
}

/// Old and new numbers of placeholders, by their word.
pub(crate) type Renumbering = HashMap<(String, usize), usize>;

/// Numbers the placeholders of some texts anew, in the order in which they stand, so that the numbers do not tell what was
/// redacted elsewhere.
pub(crate) fn renumber<'a>(texts: impl Iterator<Item = &'a mut String>) -> Renumbering {
    let mut numbers = Renumbering::new();
    let mut last: HashMap<String, usize> = HashMap::new();
    for text in texts {
        if !PLACEHOLDER.is_match(text) {
            continue;
        }
        let renumbered = PLACEHOLDER.replace_all(text, |found: &regex::Captures<'_>| {
            // The pattern has at most nine digits.
            let old: usize = found[2].parse().unwrap_or(0);
            let number = *numbers.entry((found[1].to_owned(), old)).or_insert_with(|| {
                let last = last.entry(found[1].to_owned()).or_default();
                *last += 1;
                *last
            });
            format!("[{} {number}]", &found[1])
        });
        *text = renumbered.into_owned();
    }
    numbers
}
