//! Where secrets stand: the forms that are known by themselves, and the places whose values are secrets. Whether such a value
//! is one is for `values` to say.

use super::values::{self, Place};
use super::{RedactionOptions, SecretKind};
use regex::{Regex, RegexSet};
use std::sync::LazyLock;

/// A part of a text that must not leave.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Span {
    pub start: usize,
    pub end: usize,
    pub kind: SecretKind,
}

/// How a candidate is judged.
#[derive(Clone, Copy)]
enum Judge {
    /// The form says enough.
    Form,
    /// By the place in which it stands.
    Value(Place),
    /// Has a letter and a digit.
    Mixed,
    /// Decodes from base64 to `user:password`.
    Basic,
    /// Passes the check digit of payment cards.
    Card,
    /// Is an IP address.
    Ip,
    /// Is not a port with a path.
    NotPort,
}

/// One rule. The secret is what the first group that took part has matched.
struct Rule {
    kind: SecretKind,
    judge: Judge,
    pattern: &'static str,
}

/// The value of a field: in escaped quotes (JSON in JSON), in double or single quotes, or up to the next space.
macro_rules! value {
    () => {
        r#"(?:\\"((?:[^"\\]|\\\\\\"|\\[^"])*)(?:\\"|$)|[bu]?"((?:[^"\\]|\\.)*)(?:"|$)|[bu]?'((?:[^'\\]|\\.)*)(?:'|$)|([^\s"'&;,][^\s"'&;,\\<]*))"#
    };
}

/// What stands between the name of a field and its value.
macro_rules! separator {
    () => {
        r#"\]?\\{0,3}["']?\]?\s{0,4}(?:=>|:=|==?|:|%3[dD])\s{0,4}"#
    };
}

const RULES: &[Rule] = &[
    Rule {
        kind: SecretKind::PrivateKey,
        judge: Judge::Form,
        pattern: r"-----BEGIN (?:[A-Z0-9]+ ){0,3}PRIVATE KEY(?: BLOCK)?-----(?:\s|\\+[rn])*((?:[^-]|-[^-])+)",
    },
    Rule {
        kind: SecretKind::ServiceKey,
        judge: Judge::Form,
        pattern: concat!(
            r"(?-u:\b)((?:AKIA|ASIA|ABIA|ACCA)[A-Z0-9]{16}(?-u:\b)",
            r"|AIza[0-9A-Za-z_-]{35}|ya29\.[0-9A-Za-z_-]{20,}|GOCSPX-[0-9A-Za-z_-]{20,}",
            r"|[0-9A-Za-z_~.]{3}8Q~[0-9A-Za-z_~.-]{31,37}",
            r"|gh[pousr]_[A-Za-z0-9]{30,}|github_pat_[A-Za-z0-9_]{22,}|gl(?:pat|rt|dt|ptt|oas)-[0-9A-Za-z_-]{20,}",
            r"|xox[abeoprs]-[0-9A-Za-z-]{10,}|xapp-[0-9]-[0-9A-Za-z-]{10,}",
            r"|(?:sk|rk)_(?:live|test)_[0-9A-Za-z]{16,}|whsec_[0-9A-Za-z+/=]{16,}",
            r"|SG\.[0-9A-Za-z_-]{16,}\.[0-9A-Za-z_-]{16,}|SK[0-9a-f]{32}(?-u:\b)|key-[0-9a-f]{32}(?-u:\b)",
            r"|npm_[A-Za-z0-9]{30,}|pypi-[0-9A-Za-z_-]{50,}|dckr_pat_[0-9A-Za-z_-]{20,}|shp(?:at|ca|pa|ss)_[0-9a-fA-F]{32}",
            r"|hvs\.[0-9A-Za-z_-]{20,}|hvb\.[0-9A-Za-z_-]{20,}|do[opr]_v1_[0-9a-f]{40,}|dapi[0-9a-f]{32}|hf_[A-Za-z0-9]{30,}",
            r"|sk-(?:proj-|ant-|svcacct-|or-)[0-9A-Za-z_-]{20,}|sk-[0-9A-Za-z]{20,}",
            r"|gl(?:sa|c)_[0-9A-Za-z_=+/]{30,}|NRAK-[A-Z0-9]{27}|lin_api_[0-9A-Za-z]{30,}|PMAK-[0-9a-f]{20,}-[0-9a-f]{30,}",
            r"|ATATT3x[0-9A-Za-z_=-]{50,}|AGE-SECRET-KEY-1[0-9A-Z]{50,}|[0-9A-Za-z]{14}\.atlasv1\.[0-9A-Za-z_-]{40,}",
            r"|[0-9]{8,10}:AA[0-9A-Za-z_-]{33})",
        ),
    },
    Rule {
        kind: SecretKind::ServiceKey,
        judge: Judge::Form,
        pattern: r"hooks\.slack\.com/(?:services|workflows)/([0-9A-Za-z_/-]{20,})|discord(?:app)?\.com/api/webhooks/[0-9]+/([0-9A-Za-z_-]{20,})",
    },
    Rule {
        kind: SecretKind::Jwt,
        judge: Judge::Form,
        pattern: r"(?-u:\b)(eyJ[0-9A-Za-z_-]{10,}\.[0-9A-Za-z_-]{10,}(?:\.[0-9A-Za-z_-]*){0,3})",
    },
    Rule {
        kind: SecretKind::Authorization,
        judge: Judge::Form,
        pattern: concat!(
            r#"(?i)authorization\\{0,3}["']?\s{0,4}(?:=>|[:=])\s{0,4}\\{0,3}["']?"#,
            r"(?:bearer|basic|token|apikey|negotiate|ntlm|splunk|oauth|key)\s+([0-9a-z._~+/=:-]{8,})",
        ),
    },
    Rule {
        kind: SecretKind::Authorization,
        judge: Judge::Mixed,
        pattern: r"(?-u:\b)AUTH (?:PLAIN|LOGIN|XOAUTH2|CRAM-MD5|OAUTHBEARER) ([0-9A-Za-z+/]{8,}={0,2})",
    },
    Rule {
        kind: SecretKind::Authorization,
        judge: Judge::Basic,
        pattern: r#"(?i)(?-u:\b)_?auth\\{0,3}["']?\s{0,4}[:=]\s{0,4}\\{0,3}["']?([0-9a-z+/_-]{6,}={0,2})"#,
    },
    Rule {
        kind: SecretKind::Authorization,
        judge: Judge::Mixed,
        pattern: r"(?i)(?-u:\b)bearer\s+([0-9a-z._~+/=-]{16,})",
    },
    Rule {
        kind: SecretKind::Authorization,
        judge: Judge::Basic,
        pattern: r"(?i)(?-u:\b)basic\s+([0-9a-z+/_-]{6,}={0,2})",
    },
    Rule {
        kind: SecretKind::Signature,
        judge: Judge::Mixed,
        pattern: concat!(
            r#"(?i)(?-u:\b)response=\\?"([0-9a-f]{32,64})\\?"|(?-u:\b)signature=([0-9a-f]{64})(?-u:\b)"#,
            r"|[?&;](?:x-amz-signature|x-goog-signature|signature|sig|hmac)=([0-9a-z%_+/=.-]{16,})|[?&]code=([0-9a-z%_./~-]{16,})",
        ),
    },
    Rule {
        kind: SecretKind::UrlPassword,
        judge: Judge::Value(Place::Url),
        pattern: r#"(?i)[a-z0-9]://[^\s:/@"'<>]*:([^\s/"'<>]+)@"#,
    },
    Rule {
        kind: SecretKind::UrlPassword,
        judge: Judge::NotPort,
        pattern: concat!(
            r"(?i)(?:postgres(?:ql)?|mysql|mariadb|mongodb(?:\+srv)?|rediss?|amqps?|mssql|sqlserver|clickhouse|ldaps?)",
            r#"://[^\s:/@"'<>]*:([^\s"'<>@/]*/[^\s"'<>]*)@"#,
        ),
    },
    Rule {
        kind: SecretKind::UrlPassword,
        judge: Judge::Mixed,
        pattern: r"(?i)https?://([0-9a-z_~%.-]{20,})(?::x-oauth-basic)?@",
    },
    Rule {
        kind: SecretKind::Cookie,
        judge: Judge::Value(Place::Cookie),
        pattern: r#"(?i)set-cookie2?\\{0,3}["']?\s{0,4}[:=]\s{0,4}\\{0,3}["']?[0-9a-z_.%-]+=([^\s;,"'\\]+)"#,
    },
    Rule {
        kind: SecretKind::Cookie,
        judge: Judge::Form,
        pattern: concat!(
            r#"(?i)(?:^|[^0-9a-z-])cookie\\{0,3}["']?\s{0,4}[:=]\s{0,4}\\{0,3}["']?"#,
            r#"([0-9a-z_.%-]+=[^\s;,"'\\]+(?:;\s?[0-9a-z_.%-]+=[^\s;,"'\\]*)*)"#,
        ),
    },
    Rule {
        kind: SecretKind::Cookie,
        judge: Judge::Value(Place::Session),
        pattern: concat!(
            r"(?i)(?:phpsessid|jsessionid|asp\.net_sessionid|(?-u:\b)sessionid|connect\.sid|laravel_session|csrftoken|xsrf-token)",
            separator!(),
            value!(),
        ),
    },
    Rule {
        kind: SecretKind::Password,
        judge: Judge::Value(Place::Password),
        pattern: concat!(
            r"(?is)(?:(?:password|passwort|passwd|passphrase|passcode|requirepass|bindpw|rootpw)[0-9]?|(?:(?-u:\b)|_)(?:pwd|pw|psk))",
            separator!(),
            value!(),
        ),
    },
    Rule {
        kind: SecretKind::Password,
        judge: Judge::Value(Place::ShortName),
        pattern: concat!(r"(?is)(?:(?-u:\b)|_)pass", separator!(), value!()),
    },
    Rule {
        kind: SecretKind::Password,
        judge: Judge::Form,
        pattern: r#"(?i)(?-u:\b)(?:cvv2?|cvc2?)\\{0,3}["']?\s{0,4}[:=]\s{0,4}\\{0,3}["']?([0-9]{3,4})(?-u:\b)|(?-u:\b)otp\\{0,3}["']?\s{0,4}[:=]\s{0,4}\\{0,3}["']?([0-9]{4,8})(?-u:\b)"#,
    },
    Rule {
        kind: SecretKind::Password,
        judge: Judge::Value(Place::Option),
        pattern: concat!(r"(?is)\s--?(?:password|passwd|passphrase|pass)\s+", value!()),
    },
    Rule {
        kind: SecretKind::Password,
        judge: Judge::Value(Place::Option),
        pattern: concat!(
            r#"(?:mysql|mysqldump|mysqladmin|mariadb|mariadb-dump)\s[^|;\n]*?\s-p'?([^\s'"-][^\s'"]*)"#,
            r#"|sshpass\s+-p\s*['"]?([^\s'"]+)|redis-cli\s[^|;\n]*?-a\s+['"]?([^\s'"]+)|ldap[a-z]+\s[^|;\n]*?\s-w\s*['"]?([^\s'"]+)"#,
            r#"|login\s[^|;\n]*?\s-p\s*['"]?([^\s'"]+)|-pass(?:in|out)?\s+pass:([^\s'"]+)|(?:plink|pscp|psftp)\s[^|;\n]*?-pw\s+([^\s'"]+)"#,
            r#"|(?-u:\b)[A-Z]{0,4}[0-9]{1,6} LOGIN [^\s]+ "?([^\s"]+)|curl\s[^|;\n]*?(?:-u|--user)\s*['"]?[^\s:'"]+:([^\s'"]+)|smbclient\s[^|;\n]*?-U\s*['"]?[^\s%'"]+%([^\s'"]+)"#,
        ),
    },
    Rule {
        kind: SecretKind::Password,
        judge: Judge::Value(Place::Option),
        pattern: concat!(
            r#"(?i)(?-u:\b)(?:identified\s+(?:with\s+[^\s]+\s+)?by|password)\s+(?:'([^']+)'|"([^"]+)")"#,
            r"|<(?:[0-9a-z_.-]*:)?[0-9a-z_.-]*(?:password|passwd|pwd|secret|token|apikey)>([^<>]+)</",
        ),
    },
    Rule {
        kind: SecretKind::PasswordHash,
        judge: Judge::Form,
        pattern: r"(\$(?:1|2[abxy]?|5|6|7|8|9|y|gy|apr1|argon2(?:id|i|d)|scrypt|pbkdf2[a-z0-9-]*)\$[0-9A-Za-z./$,=+-]{16,}|SCRAM-SHA-[0-9]+\$[0-9]+:[0-9A-Za-z+/=$:]{20,})",
    },
    Rule {
        kind: SecretKind::Token,
        judge: Judge::Value(Place::Token),
        pattern: concat!(
            r"(?is)(?:secret|token|(?:api|access|secret|private|auth|encryption|signing|account|subscription|master|client|app)[_-]?key",
            r"|secret[_-]?id|credentials|authorization)",
            separator!(),
            value!(),
        ),
    },
    Rule {
        // `{"name": "DB_PASSWORD", "value": "…"}`, also as attributes of XML.
        kind: SecretKind::Token,
        judge: Judge::Value(Place::Option),
        pattern: concat!(
            r#"(?is)(?:name|key)\\{0,3}["']?\s{0,4}[:=]\s{0,4}\\{0,3}["'][^"'\\]{0,80}"#,
            r#"(?:password|passwd|passphrase|secret|token|(?:api|access|private)[_-]?key)\\{0,3}["']"#,
            r#"\s{0,4},?\s{0,4}\\{0,3}["']?value"#,
            separator!(),
            value!(),
        ),
    },
    Rule {
        // In prose: `token 7f3a…`.
        kind: SecretKind::Token,
        judge: Judge::Value(Place::Token),
        pattern: r#"(?i)(?:token|secret|password|passwd|api[ _-]?key|credentials?)\s{1,4}["'`]?([0-9a-z._~+/=-]{16,})"#,
    },
    Rule {
        kind: SecretKind::Token,
        judge: Judge::Mixed,
        pattern: r"(?i)/(?:reset|verify|confirm|invite|invitation|magic|activate|activation|unsubscribe|token)s?(?:[_-][a-z]{1,20})?/([0-9a-z_.~-]{20,})",
    },
    Rule {
        kind: SecretKind::Token,
        judge: Judge::Value(Place::Token),
        pattern: concat!(
            r"(?is)\s--?(?:[a-z]+-)?(?:token|api-?key|secret|access-key|secret-key|secret-id)\s+",
            value!()
        ),
    },
    Rule {
        kind: SecretKind::CardNumber,
        judge: Judge::Card,
        pattern: r"([0-9]{4}[ -][0-9]{4}[ -][0-9]{4}[ -][0-9]{4}|3[0-9]{3}[ -][0-9]{6}[ -][0-9]{5}|[0-9]{13,16})(?-u:\b)",
    },
];

const EMAIL: Rule = Rule {
    kind: SecretKind::EmailAddress,
    judge: Judge::Form,
    pattern: r"(?i)([0-9a-z._%+-]{1,64}@[0-9a-z-]+(?:\.[0-9a-z-]+)+)",
};

const IP: Rule = Rule {
    kind: SecretKind::IpAddress,
    judge: Judge::Ip,
    pattern: r"(?i)((?:[0-9]{1,3}\.){3}[0-9]{1,3}|[0-9a-f]{0,4}(?::[0-9a-f]{0,4}){2,7}(?:(?:[0-9]{1,3}\.){3}[0-9]{1,3})?)",
};

struct Compiled {
    /// Says which rules have anything to find.
    set: RegexSet,
    rules: Vec<(&'static Rule, Regex)>,
    email: Regex,
    ip: Regex,
}

static COMPILED: LazyLock<Compiled> = LazyLock::new(|| Compiled {
    // The patterns are constants, and a test compiles them.
    set: RegexSet::new(RULES.iter().map(|rule| rule.pattern)).expect("the patterns of redaction are valid"),
    rules: RULES.iter().map(|rule| (rule, pattern(rule.pattern))).collect(),
    email: pattern(EMAIL.pattern),
    ip: pattern(IP.pattern),
});

/// Compiles a constant pattern.
pub(super) fn pattern(pattern: &str) -> Regex {
    // Constants only, each compiled by a test.
    Regex::new(pattern).expect("the patterns of redaction are valid")
}

/// Finds what must not leave, rule by rule; spans may overlap.
pub(super) fn find(text: &str, options: &RedactionOptions) -> Vec<Span> {
    let compiled = &*COMPILED;
    let mut spans = Vec::new();
    for index in compiled.set.matches(text) {
        let (rule, regex) = &compiled.rules[index];
        find_one(text, rule, regex, &mut spans);
    }
    if options.email_addresses {
        find_one(text, &EMAIL, &compiled.email, &mut spans);
    }
    if options.ip_addresses {
        find_one(text, &IP, &compiled.ip, &mut spans);
    }
    spans
}

fn find_one(text: &str, rule: &Rule, regex: &Regex, spans: &mut Vec<Span>) {
    let mut at = 0;
    while at <= text.len() {
        let Some(found) = regex.captures_at(text, at) else {
            return;
        };
        let whole = found.get_match();
        let value = found.iter().skip(1).flatten().next().unwrap_or(whole);
        let kept = judge(rule.judge, text, whole.start(), value.start(), value.end());
        at = match kept {
            Some((start, end)) => {
                spans.push(Span {
                    start,
                    end,
                    kind: rule.kind,
                });
                end.max(at)
            }
            // The value may itself be the place of a secret. Values that are turned down are short or end at a space, so
            // little is read twice.
            None => value.start(),
        };
        if at <= whole.start() {
            let step = text[whole.start()..].chars().next().map_or(1, char::len_utf8);
            at = whole.start() + step;
        }
    }
}

/// The part of a candidate that is a secret.
fn judge(judge: Judge, text: &str, match_start: usize, start: usize, end: usize) -> Option<(usize, usize)> {
    let value = &text[start..end];
    let kept = match judge {
        Judge::Form => {
            let trimmed = value.trim();
            return (!trimmed.is_empty()).then(|| {
                let start = start + (value.len() - value.trim_start().len());
                (start, start + trimmed.len())
            });
        }
        Judge::Value(place) => return values::secret(text, match_start, start, end, place),
        Judge::Mixed => {
            value.bytes().any(|byte| byte.is_ascii_digit())
                && value.bytes().any(|byte| byte.is_ascii_alphabetic())
        }
        Judge::Basic => values::is_basic_credential(value),
        Judge::Card => values::is_card_number(text, start, end),
        Judge::Ip => values::is_ip_address(text, start, end),
        Judge::NotPort => {
            let digits = value.bytes().take_while(u8::is_ascii_digit).count();
            !value[digits..].starts_with('/')
        }
    };
    kept.then_some((start, end))
}

static KEY_BEGIN: LazyLock<Regex> =
    LazyLock::new(|| pattern(r"-----BEGIN (?:[A-Z0-9]+ ){0,3}PRIVATE KEY(?: BLOCK)?-----"));
static KEY_LINE: LazyLock<Regex> =
    LazyLock::new(|| pattern(r"(?:^|\s)([0-9A-Za-z+/]{16,}={0,2}|[0-9A-Za-z+/]{2,}={1,2})\s*$"));

/// Where a private key begins or ends that lies in several lines.
pub(super) enum KeyBlockEdge {
    /// Begins here and does not end.
    Begin,
    /// Ends here.
    End,
}

/// Whether a private key begins in this line without ending in it, or ends.
pub(super) fn key_block_edge(text: &str) -> Option<KeyBlockEdge> {
    let begin = KEY_BEGIN.find_iter(text).last().map(|found| found.end());
    let rest = &text[begin.unwrap_or(0)..];
    if rest.contains("-----END ") {
        return Some(KeyBlockEdge::End);
    }
    begin.map(|_| KeyBlockEdge::Begin)
}

/// The part of a private key that a line within it holds: its last word, since a time and a program may stand in front.
pub(super) fn key_block_line(text: &str) -> Option<Span> {
    let found = KEY_LINE.captures(text)?.get(1)?;
    Some(Span {
        start: found.start(),
        end: found.end(),
        kind: SecretKind::PrivateKey,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_pattern_compiles_and_has_a_group() {
        let compiled = &*COMPILED;
        assert_eq!(compiled.set.len(), RULES.len());
        for (rule, regex) in &compiled.rules {
            assert!(regex.captures_len() > 1, "no group in {}", rule.pattern);
        }
        assert!(compiled.email.captures_len() > 1 && compiled.ip.captures_len() > 1);
    }
}
