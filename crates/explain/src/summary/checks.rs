//! What to check for which label, and the names in a line that are worth a search.

use crate::prompt::visible;
use regex::Regex;
use std::sync::LazyLock;

/// What a name is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum NameKind {
    Address,
    Device,
    Unit,
    User,
    Path,
}

/// A name in a line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Name {
    pub text: String,
    pub kind: NameKind,
}

static NAMES: LazyLock<Vec<(NameKind, Regex)>> = LazyLock::new(|| {
    let patterns = [
        (
            NameKind::Address,
            r"(?-u:\b)((?:[0-9]{1,3}\.){3}[0-9]{1,3})(?-u:\b)",
        ),
        (
            NameKind::Device,
            r"(?-u:\b)(nvme[0-9]+n[0-9]+|sd[a-z]{1,2}|md[0-9]+|eth[0-9]+|en[ops][0-9][0-9a-z]*|dm-[0-9]+)(?-u:\b)",
        ),
        (
            NameKind::Unit,
            r"(?-u:\b)([A-Za-z0-9@_.-]{2,60}\.(?:service|socket|timer|mount))(?-u:\b)",
        ),
        (
            NameKind::User,
            r#"(?i)(?-u:\b)(?:invalid user|for user|user)[ =:]"?([a-z_][a-z0-9._-]{1,31})"#,
        ),
        (
            NameKind::Path,
            r"(?:^|[\s\x22'=(])(/[A-Za-z0-9_.-]+(?:/[A-Za-z0-9_.-]+)+)",
        ),
    ];
    // Constants, compiled by the tests.
    let compile = |pattern| Regex::new(pattern).expect("the patterns of names are valid");
    patterns
        .into_iter()
        .map(|(kind, pattern)| (kind, compile(pattern)))
        .collect()
});

/// Names in a line, one of each kind, the most telling first.
pub(super) fn named(text: &str) -> Vec<Name> {
    let text = turnstone_types::truncate_chars(text, 2_000);
    let found = NAMES.iter().filter_map(|(kind, regex)| {
        let mut names = regex.captures_iter(text).filter_map(|found| found.get(1));
        let name = names.find(|name| *kind != NameKind::Path || !is_request(&text[..name.start()]))?;
        Some(Name {
            text: visible(name.as_str().trim_end_matches('.')),
            kind: *kind,
        })
    });
    found.collect()
}

/// Whether a path behind this text is that of an HTTP request and of no file.
fn is_request(before: &str) -> bool {
    let before = before.trim_end();
    ["GET", "POST", "PUT", "DELETE", "HEAD", "PATCH", "OPTIONS"]
        .iter()
        .any(|method| before.ends_with(method))
}

/// What to ask about a name.
pub(super) fn question(label: Option<&str>, kind: NameKind) -> &'static str {
    match (label, kind) {
        (Some("SECURITY_ANOMALY"), NameKind::Address) => {
            "what else did it try, and did a login or request of it succeed?"
        }
        (Some("SECURITY_ANOMALY"), NameKind::User) => "is the account real, and was it used since?",
        (_, NameKind::Address) => "do lines of other sources name it at the same time?",
        (_, NameKind::Device) => "did it report errors before, and is anything mounted or routed over it?",
        (_, NameKind::Unit) => "is it running now, and how often was it started again?",
        (_, NameKind::User) => "what did this user do before?",
        (_, NameKind::Path) => "which other programs name it?",
    }
}

/// Checks that fit a label.
pub(super) fn for_label(label: Option<&str>) -> &'static [&'static str] {
    match label {
        Some("SECURITY_ANOMALY") => &[
            "Look for an accepted login, a new account, a sudo or a changed key after this line",
            "If one is there, treat the host as compromised; if not, see whether the attempts go on and block where they come from",
        ],
        Some("SYSTEM_FAILURE") => &[
            "See whether the service is up now, and what it logged last before it failed",
            "Look for lack of memory, a full disk, a deployment or a restart of something it depends on at that time",
        ],
        Some("HARDWARE_ISSUE") => &[
            "See whether the message repeats for the same device; a growing count is a device about to fail",
            "Check its state (SMART, EDAC, RAID, link) and that a current backup exists before anything is restarted",
        ],
        Some("PERFORMANCE_ISSUE") => &[
            "Compare load, memory, disk and connection counts of the host with an hour ago",
            "See whether the slow part is this service or one that it waits for",
        ],
        Some("NETWORK_ANOMALY") => &[
            "See whether other hosts lose the same peer: then it is the network or the peer, else this host",
            "Check name resolution, the link and the firewall between the two",
        ],
        Some("CONFIG_ERROR") => &[
            "See what was changed or deployed last on this host, and whether going back cures it",
            "Check the named file or key for spelling, rights and the version that reads it",
        ],
        _ => &[
            "See whether the line repeats, and whether the service still answers",
            "Compare with lines of other sources at the same time",
        ],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_what_is_worth_a_search() {
        let names = named("sshd[1]: Failed password for invalid user admin from 203.0.113.9 port 51812");
        let texts: Vec<&str> = names.iter().map(|name| name.text.as_str()).collect();
        assert_eq!(texts, ["203.0.113.9", "admin"]);
        assert_eq!(named("nvme0n1: I/O error")[0].kind, NameKind::Device);
        assert_eq!(
            named("nginx.service: Failed with result 'exit-code'.")[0].text,
            "nginx.service"
        );
        assert_eq!(
            named("open /etc/app/site.conf.: denied")[0].text,
            "/etc/app/site.conf"
        );
        assert!(named("all is well").is_empty());
        let request = named("client: 10.0.0.9, request: \"GET /products/1311 HTTP/1.1\", root /srv/shop");
        assert_eq!(request.last().unwrap().text, "/srv/shop");
    }
}
