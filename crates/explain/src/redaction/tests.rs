//! Runs redaction over its corpora and checks its promises on any text. `figures` prints what docs/explanations.md quotes:
//! `cargo test -p turnstone-explain redaction::tests::figures -- --nocapture`.

use super::*;
use proptest::prelude::*;
use std::time::Duration;

const SECRETS: &str = include_str!("../../corpus/secrets.txt");
const HARMLESS: &str = include_str!("../../corpus/harmless.txt");

/// A line of a corpus as it would be logged.
fn lines(corpus: &'static str) -> Vec<String> {
    let written = corpus
        .lines()
        .filter(|line| !line.is_empty() && !line.starts_with('#'));
    written
        .map(|line| {
            let line = line.replace('¦', "").replace("\\\\n", "\u{e000}");
            line.replace("\\n", "\n").replace('\u{e000}', "\\n")
        })
        .collect()
}

/// The text without its marks, what is marked, and the text between.
fn marked(line: &str) -> (String, Vec<String>, Vec<String>) {
    let (mut secrets, mut rest) = (Vec::new(), Vec::new());
    let mut pieces = line.split('«');
    rest.push(pieces.next().unwrap().to_owned());
    for piece in pieces {
        let (secret, after) = piece.split_once('»').unwrap();
        secrets.push(secret.to_owned());
        rest.push(after.to_owned());
    }
    (line.replace(['«', '»'], ""), secrets, rest)
}

/// The output with its placeholders taken for one and the same.
fn flattened(text: &str) -> String {
    PLACEHOLDER.replace_all(text, "[]").into_owned()
}

struct Figures {
    secrets: usize,
    leaked: Vec<String>,
    lines: usize,
    inexact: Vec<String>,
    harmless: usize,
    changed: Vec<String>,
}

fn measure() -> Figures {
    let mut figures = Figures {
        secrets: 0,
        leaked: Vec::new(),
        lines: 0,
        inexact: Vec::new(),
        harmless: 0,
        changed: Vec::new(),
    };
    for line in lines(SECRETS) {
        let (text, secrets, rest) = marked(&line);
        assert!(!secrets.is_empty(), "nothing is marked in {text}");
        let out = Redactor::default().redact(&text);
        figures.secrets += secrets.len();
        let leaked = secrets.iter().filter(|secret| out.contains(secret.as_str()));
        figures
            .leaked
            .extend(leaked.map(|secret| format!("{secret} in {out}")));
        figures.lines += 1;
        if flattened(&out) != rest.join("[]") {
            figures.inexact.push(format!("{text}\n -> {out}"));
        }
    }
    for text in lines(HARMLESS) {
        figures.harmless += 1;
        let out = Redactor::default().redact(&text);
        if out != text {
            figures.changed.push(format!("{text}\n -> {out}"));
        }
    }
    figures
}

#[test]
fn figures() {
    let figures = measure();
    println!(
        "{} secrets in {} lines: {} gone ({:.1} %), {} lines exactly as marked; {} harmless lines: {} changed",
        figures.secrets,
        figures.lines,
        figures.secrets - figures.leaked.len(),
        100.0 * (figures.secrets - figures.leaked.len()) as f64 / figures.secrets as f64,
        figures.lines - figures.inexact.len(),
        figures.harmless,
        figures.changed.len()
    );
    assert!(
        figures.lines >= 120 && figures.harmless >= 60,
        "the corpora shrank"
    );
    assert!(figures.leaked.is_empty(), "leaked: {:#?}", figures.leaked);
    assert!(figures.changed.is_empty(), "changed: {:#?}", figures.changed);
    assert!(
        figures.inexact.is_empty(),
        "not as marked: {:#?}",
        figures.inexact
    );
}

#[test]
fn the_same_value_has_the_same_number_in_all_lines() {
    let mut redactor = Redactor::default();
    assert_eq!(redactor.redact("password=lamp3 x"), "password=[secret 1] x");
    assert_eq!(redactor.redact("password=other9"), "password=[secret 2]");
    assert_eq!(
        redactor.redact("GET /?password=lamp3&a=b card 4111 1111 1111 1111"),
        "GET /?password=[secret 1]&a=b card [card 1]"
    );
    assert_eq!(redactor.report().count(SecretKind::Password), 3);
    assert_eq!(redactor.report().total(), 4);
    assert_eq!(
        redactor.report().counts(),
        [("password".to_owned(), 3), ("card number".to_owned(), 1)]
    );
}

#[test]
fn addresses_go_only_when_asked() {
    let text = "mail from ana@example.com via 10.0.0.4:25 and 2001:db8::7, 12:03:04 v1.2.3.4.5";
    assert_eq!(Redactor::default().redact(text), text);
    let mut redactor = Redactor::new(RedactionOptions {
        email_addresses: true,
        ip_addresses: true,
    });
    assert_eq!(
        redactor.redact(text),
        "mail from [email 1] via [ip 1]:25 and [ip 2], 12:03:04 v1.2.3.4.5"
    );
    assert_eq!(redactor.redact("10.0.0.4 again"), "[ip 1] again");
}

#[test]
fn a_private_key_that_lies_in_several_lines_goes() {
    let mut redactor = Redactor::default();
    let begin = ["-----BEGIN RSA PRIVATE", " KEY-----"].concat();
    let end = ["-----END RSA PRIVATE", " KEY-----"].concat();
    let body = "MIIEpAIBAAKCAQEA7d9f8b6c4MIIEpAIBAAKCAQEA7d9f8b6c4";
    assert_eq!(redactor.redact(&begin), begin);
    assert_eq!(
        redactor.redact(&format!("Nov 18 db2 x[1]: {body}")),
        "Nov 18 db2 x[1]: [secret 1]"
    );
    assert_eq!(
        redactor.redact("sshd[12]: connection closed"),
        "sshd[12]: connection closed"
    );
    assert_eq!(redactor.redact("Ab12cd=="), "[secret 2]");
    assert_eq!(redactor.redact(&end), end);
    assert_eq!(redactor.redact(body), body);
}

#[test]
fn debug_shows_no_secret() {
    let mut redactor = Redactor::default();
    redactor.redact("password=hunter2");
    let shown = format!("{redactor:?}");
    assert!(
        !shown.contains("hunter2") && shown.contains("Password"),
        "{shown}"
    );
}

#[test]
fn what_is_behind_the_limit_is_dropped_and_no_key_cut_through() {
    let key = ["AK", "IA", "ABCDEFGHIJKLMNOP"].concat();
    let mut text = "word ".repeat(TEXT_BYTES_MAX / 5 - 2);
    text.push_str(&key);
    text.push_str(&key);
    assert!(text.len() > TEXT_BYTES_MAX);
    let out = Redactor::default().redact(&text);
    assert!(
        out.len() <= TEXT_BYTES_MAX && !out.contains("AKIA"),
        "{}",
        &out[out.len() - 40..]
    );
    assert_eq!(Redactor::default().redact(&"x".repeat(TEXT_BYTES_MAX + 1)), "");
}

#[test]
fn numbers_start_anew_in_the_texts_that_are_kept() {
    let mut texts = [
        "a [secret 7] [ip 3]".to_owned(),
        "b [secret 4] [secret 7]".to_owned(),
    ];
    renumber(texts.iter_mut());
    assert_eq!(texts, ["a [secret 1] [ip 1]", "b [secret 2] [secret 1]"]);
}

#[test]
fn long_texts_take_time_linear_in_their_length() {
    let pieces = [
        "password=",
        "token=",
        "token='",
        "token=\"a b ",
        "\\\"",
        "https://a:",
        "://",
        "a@",
        "authorization: ",
        "cookie: a=b;",
        "mysql -p",
        "mysql ",
        "-----BEGIN PRIVATE KEY-----",
        "-",
        "4111 1111 1111 1111 ",
        "4",
        "eyJ",
        ".",
        "a.b@c",
        "::",
        "1.1.1.1",
        "secret: ",
        "password: abc ",
        "curl -u ",
        "(((",
        ")))",
        "$6$",
        "]]]]",
        "token=web-",
        "token=abc&",
        "password=a\\n",
        "password=a<",
        "pw=,",
        "ä",
        " ",
    ];
    for piece in pieces {
        let text = piece.repeat(TEXT_BYTES_MAX / piece.len());
        let started = processor_time();
        let options = RedactionOptions {
            email_addresses: true,
            ip_addresses: true,
        };
        Redactor::new(options).redact(&text);
        let taken = processor_time() - started;
        // Well under a second when it is linear, even without optimisation; half a minute when it is quadratic.
        assert!(taken < Duration::from_secs(8), "{piece:?} took {taken:?}");
    }
}

/// Time that this thread computed: a busy machine must not make a test fail.
fn processor_time() -> Duration {
    let statistics = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap();
    let nanoseconds = statistics.split(' ').next().unwrap().parse().unwrap();
    Duration::from_nanos(nanoseconds)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn again_it_changes_nothing(text in fragments()) {
        let options = RedactionOptions { email_addresses: true, ip_addresses: true };
        let once = Redactor::new(options.clone()).redact(&text);
        let mut again = Redactor::new(options);
        let twice = again.redact(&once);
        prop_assert_eq!(&once, &twice);
        prop_assert_eq!(again.report().total(), 0);
    }

    #[test]
    fn any_text_is_taken(text in ".{0,200}") {
        Redactor::default().redact(&text);
    }
}

/// Texts made of what rules look for.
fn fragments() -> impl Strategy<Value = String> {
    let fragment = prop_oneof![
        Just("password"),
        Just("token"),
        Just("secret"),
        Just("pass"),
        Just("pwd"),
        Just("authorization"),
        Just("Cookie"),
        Just("set-cookie"),
        Just("bearer "),
        Just("Basic "),
        Just("="),
        Just(": "),
        Just(":"),
        Just("\""),
        Just("\\\""),
        Just("'"),
        Just(" "),
        Just("&"),
        Just(";"),
        Just(","),
        Just("://"),
        Just("@"),
        Just("/"),
        Just("hunter2"),
        Just("a1b2c3d4e5f60718"),
        Just("AKIAABCDEFGHIJKLMNOP"),
        Just("4111111111111111"),
        Just("ana@example.com"),
        Just("10.0.0.4"),
        Just("2001:db8::1"),
        Just("[secret 1]"),
        Just("[secret 2]"),
        Just("[secret"),
        Just("$6$aaaaaaaaaaaaaaaaaaaaaaaa"),
        Just("--password "),
        Just("mysql "),
        Just("-p"),
        Just("<password>"),
        Just("</"),
        Just("eyJabcdefghijkl.mnopqrstuvwx."),
        Just("-----BEGIN PRIVATE KEY-----"),
        Just("-----END"),
        Just("\n"),
        Just("x"),
        Just("null"),
        Just("deleted"),
        Just("identified by "),
        Just("ä"),
    ];
    prop::collection::vec(fragment, 1..14).prop_map(|parts| parts.concat())
}
