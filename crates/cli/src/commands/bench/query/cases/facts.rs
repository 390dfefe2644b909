//! What surrounds an entry, what is known of it, and the statistics.

use super::*;

pub(super) fn add(cases: &mut Cases) {
    entries(cases);
    stats(cases);
}

fn entries(cases: &mut Cases) {
    for (name, window_seconds, side) in [
        ("5 minutes, 50 lines each side", 300, 50),
        ("any time, 500 lines each side", u32::MAX, 500),
    ] {
        cases.add("context", name, LIST_AIM, move |world, round| async move {
            let request = ContextRequest {
                entry_id: world.detection(round).entry_id.clone(),
                window_seconds,
                before_max: side,
                after_max: side,
            };
            Ok(world
                .store
                .entry_context(&world.tenant, &request)
                .await?
                .map_or(0, |found| found.len()))
        });
    }
    cases.add("entry", "by id", LIST_AIM, |world, round| async move {
        let id = &world.detection(round).entry_id;
        Ok(usize::from(world.store.entry(&world.tenant, id).await?.is_some()))
    });
    cases.add("entry", "kept explanation", LIST_AIM, |world, round| async move {
        let key = explanation_key(&world.detection(round).entry_id);
        Ok(usize::from(
            world.store.explanation(&world.tenant, &key).await?.is_some(),
        ))
    });
    cases.add(
        "entry",
        "facts for an explanation",
        STATS_AIM,
        |world, round| async move {
            let id = &world.detection(round).entry_id;
            let facts = world.store.entry_facts(&world.tenant, id, 300).await?;
            Ok(facts.map_or(0, |facts| facts.groups.len()))
        },
    );
}

fn stats(cases: &mut Cases) {
    cases.add("stats", "summary", STATS_AIM, |world, _| async move {
        Ok(world.store.stats_summary(&world.tenant).await?.labels.len())
    });
    cases.add("stats", "breakdown", STATS_AIM, |world, _| async move {
        let breakdown = world
            .store
            .stats_breakdown(&world.tenant, world.corpus.end())
            .await?;
        Ok(breakdown.by_source.len())
    });
    cases.add("stats", "source health", STATS_AIM, |world, _| async move {
        Ok(world
            .store
            .source_health(&world.tenant, world.corpus.end())
            .await?
            .len())
    });
    cases.add("stats", "sources", STATS_AIM, |world, _| async move {
        Ok(world.store.sources(&world.tenant).await?.len())
    });
    for (name, hours, bucket_seconds) in [
        ("an hour by minutes", 1, 60),
        ("a day by ten minutes", 24, 600),
        ("four weeks by hours", 672, 3_600),
    ] {
        cases.add(
            "stats",
            &format!("timeline of {name}"),
            STATS_AIM,
            move |world, round| async move {
                let request = TimelineRequest {
                    from: world.corpus.end() - Duration::from_secs(hours * 3_600),
                    until: world.corpus.end(),
                    bucket_seconds,
                    source_id: source(round).filter(|_| round % 2 == 0),
                };
                Ok(world.store.timeline(&world.tenant, &request).await?.len())
            },
        );
    }
}
