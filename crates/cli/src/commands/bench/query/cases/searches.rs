//! Searches of lines: common words, rare ones, none, with and without filters.

use super::*;

pub(super) fn add(cases: &mut Cases) {
    type S = EntrySearch;
    let all = S::default;
    let text = |text: &'static str| move |_: &World, _: u64| Some(text.to_owned());
    let hour = move |world: &World, round| {
        let from = world.instant(round);
        S {
            time_from: Some(from),
            time_until: Some(from + Duration::from_secs(3_600)),
            ..all()
        }
    };
    let key = |world: &World, round| {
        let id = EntryId::new("m").ok()?;
        Some(EntryKey {
            timestamp: world.instant(round),
            id,
        })
    };
    let tail = |world: &World, round: u64| Some(world.corpus.tail_word(1_000 + round as usize * 31));
    let no_query = |_: &World, _: u64| None;
    cases.search("newest lines", no_query, move |_, _| all(), |_, _| None);
    cases.search(
        "newest lines of a source",
        no_query,
        move |_, round| S {
            source_id: source(round),
            ..all()
        },
        |_, _| None,
    );
    cases.search(
        "newest lines of a severity",
        no_query,
        move |_, round| S {
            severity: severity(round),
            ..all()
        },
        |_, _| None,
    );
    cases.search(
        "newest lines of a rare label",
        no_query,
        move |_, _| S {
            label: hardware(),
            ..all()
        },
        |_, _| None,
    );
    cases.search("lines of an hour", no_query, hour, |_, _| None);
    cases.search("lines, deep page", no_query, move |_, _| all(), key);
    cases.search("rare word", tail, move |_, _| all(), |_, _| None);
    cases.search(
        "word of a line in ten thousand",
        text(RARE_WORD),
        move |_, _| all(),
        |_, _| None,
    );
    cases.search(
        "word of a third of the lines",
        text(USUAL_WORD),
        move |_, _| all(),
        |_, _| None,
    );
    cases.search(
        "word of nine lines of ten",
        text(COMMON_WORD),
        move |_, _| all(),
        |_, _| None,
    );
    cases.search(
        "word of nine lines of ten, deep page",
        text(COMMON_WORD),
        move |_, _| all(),
        key,
    );
    cases.search(
        "word that is nowhere",
        text("nonesuch"),
        move |_, _| all(),
        |_, _| None,
    );
    cases.search(
        "phrase",
        text("\"cache hit for\""),
        move |_, _| all(),
        |_, _| None,
    );
    cases.search(
        "prefix",
        |world, round| Some(format!("{}*", &world.corpus.tail_word(round as usize * 13)[..5])),
        move |_, _| all(),
        |_, _| None,
    );
    cases.search(
        "common word and rare word",
        move |world, round| {
            Some(format!(
                "{COMMON_WORD} {}",
                world.corpus.tail_word(2_000 + round as usize)
            ))
        },
        move |_, _| all(),
        |_, _| None,
    );
    cases.search(
        "two common words",
        text("request retrying"),
        move |_, _| all(),
        |_, _| None,
    );
    cases.search(
        "two common words that never meet",
        text("request session"),
        move |_, _| all(),
        |_, _| None,
    );
    cases.search(
        "common word without another",
        text("request -completed"),
        move |_, _| all(),
        |_, _| None,
    );
    cases.search(
        "common word, source",
        text(COMMON_WORD),
        move |_, round| S {
            source_id: source(round),
            ..all()
        },
        |_, _| None,
    );
    cases.search(
        "common word, source without it",
        text("session"),
        move |_, _| S {
            source_id: source(2),
            severity: Some(Severity::Critical),
            ..all()
        },
        |_, _| None,
    );
    cases.search(
        "common word, label",
        text(COMMON_WORD),
        move |_, round| S {
            label: label(round),
            ..all()
        },
        |_, _| None,
    );
    cases.search(
        "common word, rare label",
        text(COMMON_WORD),
        move |_, _| S {
            label: hardware(),
            ..all()
        },
        |_, _| None,
    );
    cases.search("common word, hour", text(COMMON_WORD), hour, |_, _| None);
    cases.search(
        "usual word, hour, rare label",
        text(USUAL_WORD),
        move |world, round| S {
            label: hardware(),
            ..hour(world, round)
        },
        |_, _| None,
    );
    cases.search("rare word, hour", tail, hour, |_, _| None);
    for (name, query) in [
        ("rare word", RARE_WORD),
        ("common word", COMMON_WORD),
        ("phrase", "\"retrying\" attempt"),
    ] {
        cases.add(
            "search",
            &format!("by relevance: {name}"),
            STATS_AIM,
            move |world, _| async move {
                let search = EntrySearch {
                    query: Some(SearchQuery::parse(query)?),
                    ..EntrySearch::default()
                };
                Ok(world
                    .store
                    .search_entries_by_relevance(&world.tenant, &search, 0, PAGE)
                    .await?
                    .len())
            },
        );
    }
}
