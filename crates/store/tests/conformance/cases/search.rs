//! Full-text search finds exactly what the query syntax says, indexed or not, so that all backends agree.

use crate::backends::Harness;
use crate::fixtures::*;
use turnstone_store::{EntryKey, EntrySearch, QueryError, SearchQuery, Store};

crate::cases![
    every_query_finds_what_it_matches,
    found_before_and_after_indexing,
    rows_added_by_hand_are_found,
    texts_changed_by_hand_are_found,
    deleted_rows_are_not_found,
    pages_of_a_search,
    limits_of_the_index_are_the_same,
    queries_are_no_sql,
];

const TEXTS: &[&str] = &[
    "Failed password for root from 10.0.0.1 port 22 ssh2",
    "Accepted password for admin from 10.0.0.12 port 2222 ssh2",
    "Connection refused by peer 10.0.0.1:5432",
    "connection reset; refused again",
    "ERROR o.a.h.dfs.DFSClient: Failed to close file /tmp/x_y-z.log",
    "user_name=O'Brien action=\"log in\" status=200",
    "GET /index.php?id=1%27%20OR%20%271%27=%271 HTTP/1.1",
    "Größe der Datei überschritten: 10 MiB",
    "GRÖSSE DER DATEI ÜBERSCHRITTEN",
    "groesse der datei",
    "文件 打不开 error 错误",
    "文件打不开",
    "ΣΦΑΛΜΑ σφαλμα σφάλμα",
    "İstanbul istanbul ISTANBUL ıstanbul",
    "naïve cafe\u{301} café",
    "🔥 disk on fire 🔥",
    "½ cup, Ⅷ, ①, x²",
    "AND OR NOT NEAR not and or",
    "a b c a b d",
    "a a b",
    "b a",
    "* ** -- \" \"\" ' %_",
    "",
    "   ",
    "null NULL Null",
    "0x1F 1e10 -5 3.14 1,000,000",
    "\u{1b}[31mred\u{1b}[0m text",
    "tab\tseparated\tvalues",
    "line one\nline two\n\tat com.example.Main(Main.java:7)",
    "camelCaseWord snake_case_word kebab-case-word",
    "the end.",
    "running runner runs run",
    "e-mail: someone@example.com, https://example.com/path?q=1#frag",
    "\u{202e}override\u{202c}",
    "ａｂｃ fullwidth ＡＢＣ",
];

const QUERIES: &[&str] = &[
    "failed",
    "FAILED",
    "fail",
    "fail*",
    "password",
    "pass*",
    "\"failed password\"",
    "\"password failed\"",
    "\"password for\"",
    "10.0.0.1",
    "10.0.0.1*",
    "10.0.0",
    "10*",
    "\"10 0 0 12\"",
    "0.0.1",
    "22",
    "2222",
    "22*",
    "port -2222",
    "password -root",
    "password -\"for root\"",
    "refused",
    "refused connection",
    "\"connection refused\"",
    "\"connection ref\"*",
    "connection -ref*",
    "größe",
    "GRÖSSE",
    "groesse",
    "größe -mib",
    "über*",
    "datei",
    "文件",
    "文件*",
    "打不开",
    "错误 error",
    "σφαλμα",
    "ΣΦΑΛΜΑ",
    "σφάλμα",
    "istanbul",
    "İstanbul",
    "ISTANBUL",
    "café",
    "cafe",
    "cafe\u{301}",
    "naïve",
    "fire",
    "🔥 fire",
    "½",
    "x²",
    "①",
    "and",
    "or",
    "not",
    "near",
    "\"and or not\"",
    "\"a b\"",
    "\"a b c\"",
    "\"a b d\"",
    "\"b a\"",
    "\"a a\"",
    "a b",
    "a -c",
    "a -\"a b\"",
    "\"a b c a b d\"",
    "null",
    "1f",
    "0x1f",
    "1e10",
    "3.14",
    "1,000,000",
    "31mred",
    "red",
    "separated",
    "\"one line\"",
    "at com.example.Main",
    "camelcase*",
    "snake_case_word",
    "\"snake case\"",
    "kebab-case-word",
    "kebab-case",
    "case",
    "the",
    "end",
    "run",
    "runs",
    "run*",
    "someone@example.com",
    "example",
    "example.com -someone",
    "override",
    "abc",
    "ａｂｃ",
    "user_name=O'Brien",
    "o'brien",
    "status=200",
    "x_y-z.log",
    "/tmp/x_y-z.log",
    "missing",
    "missing -failed",
    "failed -missing",
    "failed password root ssh2",
    "failed failed",
    "failed -failed",
    "z*",
    "d*",
];

async fn found(store: &dyn Store, query: &SearchQuery) -> anyhow::Result<Vec<String>> {
    let search = EntrySearch {
        query: Some(query.clone()),
        ..EntrySearch::default()
    };
    let entries = store
        .search_entries(&tenant("acme"), &search, None, 1_000)
        .await?;
    assert!(entries.is_sorted_by(|one, other| (one.timestamp, &one.id) > (other.timestamp, &other.id)));
    Ok(entries.into_iter().map(|entry| entry.text).collect())
}

async fn check_all(store: &dyn Store) -> anyhow::Result<()> {
    for query in QUERIES {
        let parsed = SearchQuery::parse(query)?;
        let expected: Vec<_> = TEXTS.iter().rev().filter(|text| parsed.matches(text)).collect();
        assert_eq!(
            found(store, &parsed).await?.iter().collect::<Vec<_>>(),
            expected,
            "{query:?}"
        );
    }
    Ok(())
}

async fn index_all(store: &dyn Store) -> anyhow::Result<()> {
    while store.index_pending_text(10).await? > 0 {}
    Ok(())
}

async fn every_query_finds_what_it_matches(harness: Harness) -> anyhow::Result<()> {
    harness
        .store
        .commit_cycle(&cycle_of_texts(&tenant("acme"), TEXTS))
        .await?;
    index_all(harness.store.as_ref()).await?;
    check_all(harness.store.as_ref()).await?;
    // The oracle above is this program's own matcher: a few results by hand keep it honest.
    let counts = [
        ("failed", 2),
        ("fail*", 2),
        ("10.0.0.1", 2),
        ("10.0.0.1*", 3),
        ("\"a b\"", 2),
        ("a -c", 3),
        ("run*", 1),
        ("größe", 1),
        ("文件*", 2),
    ];
    for (query, count) in counts {
        assert_eq!(
            found(harness.store.as_ref(), &query.parse()?).await?.len(),
            count,
            "{query:?}"
        );
    }
    Ok(())
}

async fn found_before_and_after_indexing(harness: Harness) -> anyhow::Result<()> {
    let store = harness.store.as_ref();
    let (old, new) = TEXTS.split_at(TEXTS.len() / 2);
    store.commit_cycle(&cycle_of_texts(&tenant("acme"), old)).await?;
    index_all(store).await?;
    let entries = new
        .iter()
        .zip(old.len() as i64..)
        .map(|(text, second)| entry(text, second))
        .collect();
    store.commit_cycle(&cycle(&tenant("acme"), entries)).await?;
    // Half of it is indexed, the rest (where the backend indexes later) is not.
    check_all(store).await?;
    index_all(store).await?;
    check_all(store).await?;
    assert_eq!(store.index_pending_text(100).await?, 0);
    Ok(())
}

async fn insert_by_hand(harness: &Harness, id: &str, text: &str) -> anyhow::Result<()> {
    let row = format!(
        "INSERT INTO log_entries (id, tenant_id, source_id, text) VALUES ('{id}', 'acme', 'hand', '{text}')"
    );
    harness.sql.execute(&row).await
}

async fn rows_added_by_hand_are_found(harness: Harness) -> anyhow::Result<()> {
    let store = harness.store.as_ref();
    insert_by_hand(&harness, "hand-1", "Kernel Panic! not syncing").await?;
    insert_by_hand(&harness, "hand-2", "kernel fine").await?;
    let query = "\"kernel panic\"".parse()?;
    assert_eq!(found(store, &query).await?, ["Kernel Panic! not syncing"]);
    index_all(store).await?;
    assert_eq!(found(store, &query).await?, ["Kernel Panic! not syncing"]);
    assert_eq!(found(store, &"kernel".parse()?).await?.len(), 2);
    Ok(())
}

async fn texts_changed_by_hand_are_found(harness: Harness) -> anyhow::Result<()> {
    let store = harness.store.as_ref();
    store
        .commit_cycle(&cycle_of_texts(&tenant("acme"), ["password is hunter2"]))
        .await?;
    index_all(store).await?;
    harness
        .sql
        .execute("UPDATE log_entries SET text = 'password is redacted'")
        .await?;
    for _ in 0..2 {
        assert!(found(store, &"hunter2".parse()?).await?.is_empty());
        assert_eq!(found(store, &"redacted".parse()?).await?.len(), 1);
        index_all(store).await?;
    }
    Ok(())
}

async fn deleted_rows_are_not_found(harness: Harness) -> anyhow::Result<()> {
    let store = harness.store.as_ref();
    store
        .commit_cycle(&cycle_of_texts(
            &tenant("acme"),
            ["first secret", "second secret"],
        ))
        .await?;
    index_all(store).await?;
    harness
        .sql
        .execute("DELETE FROM log_entries WHERE text = 'second secret'")
        .await?;
    assert_eq!(found(store, &"secret".parse()?).await?, ["first secret"]);
    // A later row must not be found by the words of the one that is gone.
    store
        .commit_cycle(&cycle_of_texts(&tenant("acme"), ["third"]))
        .await?;
    index_all(store).await?;
    assert!(found(store, &"second".parse()?).await?.is_empty());
    assert_eq!(found(store, &"third".parse()?).await?.len(), 1);
    Ok(())
}

async fn pages_of_a_search(harness: Harness) -> anyhow::Result<()> {
    let store = harness.store.as_ref();
    for (name, round) in [("acme", 0), ("", 1), ("acme", 2)] {
        let texts = (0..20).map(|number| {
            format!(
                "word {round} {number} {}",
                if number % 3 == 0 { "third" } else { "" }
            )
        });
        store.commit_cycle(&cycle_of_texts(&tenant(name), texts)).await?;
        if round == 1 {
            index_all(store).await?;
        }
    }
    let search = EntrySearch {
        query: Some("word -third".parse()?),
        ..EntrySearch::default()
    };
    let all = store
        .search_entries(&tenant("acme"), &search, None, 1_000)
        .await?;
    assert_eq!(all.len(), 39);
    for size in [1, 5, 39] {
        let (mut paged, mut after) = (Vec::new(), None);
        loop {
            let page = store
                .search_entries(&tenant("acme"), &search, after.as_ref(), size)
                .await?;
            let Some(last) = page.last() else { break };
            after = Some(EntryKey {
                timestamp: last.timestamp,
                id: last.id.clone(),
            });
            paged.extend(page);
        }
        assert_eq!(paged, all, "pages of {size}");
    }
    Ok(())
}

async fn limits_of_the_index_are_the_same(harness: Harness) -> anyhow::Result<()> {
    let store = harness.store.as_ref();
    let numbered = |count: usize| {
        (0..count)
            .map(|number| format!("n{number}"))
            .collect::<Vec<_>>()
            .join(" ")
    };
    let long_word = "x".repeat(100_000);
    let texts = [
        numbered(10_000),
        format!("{} needle", "again ".repeat(1_000)),
        format!("begin {long_word} end"),
        format!("begin {}y end", "x".repeat(127)),
        "語".repeat(5_000),
        "\u{10428}".repeat(3_000),
        // The worst case for the size of an index entry: as many and as long tokens as are kept, all different.
        (0..5_000)
            .map(|number| format!("{number:0>128}"))
            .collect::<Vec<_>>()
            .join(" "),
    ];
    store
        .commit_cycle(&cycle_of_texts(&tenant("acme"), &texts))
        .await?;
    let queries = [
        "n0".to_owned(),
        "n4095".into(),
        "n4096".into(),
        "n9999".into(),
        "\"n4094 n4095\"".into(),
        "again needle".into(),
        "\"again needle\"".into(),
        "needle -\"again again again\"".into(),
        "begin end".into(),
        "x".repeat(128),
        "x".repeat(500),
        format!("{}*", "x".repeat(50)),
        format!("\"begin {} end\"", "x".repeat(300)),
        "語*".into(),
        "語".repeat(60),
        format!("{:0>128}", 17),
        format!("{:0>128}", 4_500),
    ];
    let mut hits = 0;
    for _ in 0..2 {
        for query in &queries {
            let parsed: SearchQuery = query.parse()?;
            let expected: Vec<usize> = (0..texts.len())
                .rev()
                .filter(|place| parsed.matches(&texts[*place]))
                .collect();
            let found: Vec<usize> = found(store, &parsed)
                .await?
                .iter()
                .map(|text| texts.iter().position(|known| known == text).unwrap())
                .collect();
            assert_eq!(found, expected, "{query:?}");
            hits += found.len();
        }
        index_all(store).await?;
    }
    assert!(hits > 20, "the queries must find something");
    Ok(())
}

async fn queries_are_no_sql(harness: Harness) -> anyhow::Result<()> {
    let store = harness.store.as_ref();
    store
        .commit_cycle(&cycle_of_texts(&tenant("acme"), ["plain text"]))
        .await?;
    index_all(store).await?;
    let odd = [
        "' OR 1=1 --",
        "text' | 'plain",
        "plain & text",
        "plain | missing",
        "!text",
        "(plain)",
        "plain:*",
        "tokens:plain",
        "^plain",
        "plain <-> text",
        "NEAR(plain text)",
        "plain + text",
        "{plain}",
        "$1",
        "?1",
        "\\",
        "x'00'",
        "plain AND text",
        "%",
        "_",
        "pl?in",
        "text\u{1b}[0m",
    ];
    for query in odd {
        match SearchQuery::parse(query) {
            Ok(parsed) => {
                let expected = usize::from(parsed.matches("plain text"));
                assert_eq!(found(store, &parsed).await?.len(), expected, "{query:?}");
            }
            Err(error) => assert_eq!(error, QueryError::Empty, "{query:?}"),
        }
    }
    Ok(())
}
