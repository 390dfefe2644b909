//! A tenant sees its own rows and the shared ones, and nothing of another, in every read.

use crate::backends::Harness;
use crate::fixtures::*;
use turnstone_store::{ContextRequest, DetectionFilter, EntrySearch, Store};
use turnstone_types::TenantId;

crate::cases![
    every_read_is_scoped,
    the_shared_tenant_sees_only_itself,
    a_tenants_batches_are_its_own
];

async fn fill(store: &dyn Store) -> anyhow::Result<()> {
    for name in ["acme", "other", ""] {
        let text = format!("secret of {}", if name.is_empty() { "all" } else { name });
        detections_of_texts(store, &tenant(name), &[&text], "SYSTEM_FAILURE", 1).await?;
        store
            .commit_cycle(&cycle_of_texts(&tenant(name), [format!("unscored of {name}")]))
            .await?;
        while store.index_pending_text(100).await? > 0 {}
    }
    Ok(())
}

/// The tenants whose rows every read shows.
async fn seen(store: &dyn Store, tenant_id: &TenantId) -> anyhow::Result<Vec<Vec<String>>> {
    let names = |mut names: Vec<String>| {
        names.sort();
        names.dedup();
        names
    };
    let mut seen = Vec::new();
    let detections = store
        .list_detections(tenant_id, &DetectionFilter::default(), None, 100)
        .await?;
    seen.push(names(
        detections
            .iter()
            .map(|detection| detection.tenant.to_string())
            .collect(),
    ));
    for search in [
        EntrySearch::default(),
        EntrySearch {
            query: Some("of".parse()?),
            ..EntrySearch::default()
        },
    ] {
        let entries = store.search_entries(tenant_id, &search, None, 100).await?;
        seen.push(names(
            entries.iter().map(|entry| entry.tenant.to_string()).collect(),
        ));
    }
    let by_source = EntrySearch {
        source_id: Some(source("web")),
        ..EntrySearch::default()
    };
    let entries = store.search_entries(tenant_id, &by_source, None, 100).await?;
    seen.push(names(
        entries.iter().map(|entry| entry.tenant.to_string()).collect(),
    ));
    seen.push(names(
        store
            .sources(tenant_id)
            .await?
            .iter()
            .map(|source| source.tenant.to_string())
            .collect(),
    ));
    seen.push(names(
        store
            .open_batches(tenant_id, 100)
            .await?
            .iter()
            .map(|batch| batch.tenant.to_string())
            .collect(),
    ));
    Ok(seen)
}

async fn every_read_is_scoped(harness: Harness) -> anyhow::Result<()> {
    let store = harness.store.as_ref();
    fill(store).await?;
    for tenants in seen(store, &tenant("acme")).await? {
        assert_eq!(tenants, ["", "acme"]);
    }
    for tenants in seen(store, &tenant("nobody")).await? {
        assert_eq!(tenants, [""]);
    }
    let stats = store.stats_summary(&tenant("acme")).await?;
    assert_eq!(
        (stats.entries, stats.unscored_entries, stats.timeline_events.len()),
        (4, 2, 2)
    );
    assert_eq!(stats.labels.iter().map(|label| label.open).sum::<u64>(), 2);

    let theirs = store
        .list_detections(&tenant("other"), &DetectionFilter::default(), None, 100)
        .await?;
    let theirs = theirs
        .iter()
        .find(|detection| detection.tenant == tenant("other"))
        .unwrap();
    assert!(store.detection(&tenant("acme"), &theirs.id).await?.is_none());
    assert!(store.entry(&tenant("acme"), &theirs.entry_id).await?.is_none());
    let around = ContextRequest {
        entry_id: theirs.entry_id.clone(),
        window_seconds: 300,
        before_max: 10,
        after_max: 10,
    };
    assert!(store.entry_context(&tenant("acme"), &around).await?.is_none());
    assert!(store.entry_context(&tenant("other"), &around).await?.is_some());
    Ok(())
}

async fn the_shared_tenant_sees_only_itself(harness: Harness) -> anyhow::Result<()> {
    let store = harness.store.as_ref();
    fill(store).await?;
    for tenants in seen(store, &TenantId::shared()).await? {
        assert_eq!(tenants, [""]);
    }
    assert_eq!(store.stats_summary(&TenantId::shared()).await?.entries, 2);
    let detections = store
        .list_detections(&TenantId::shared(), &DetectionFilter::default(), None, 100)
        .await?;
    assert_eq!(detections.len(), 1, "a shared row is listed once");
    Ok(())
}

async fn a_tenants_batches_are_its_own(harness: Harness) -> anyhow::Result<()> {
    let store = harness.store.as_ref();
    fill(store).await?;
    for batch in waiting_batches(store).await? {
        for text in store.batch_texts(&batch).await? {
            assert_eq!(
                store.entry(&batch.tenant, &text.id).await?.unwrap().tenant,
                batch.tenant
            );
        }
    }
    Ok(())
}
