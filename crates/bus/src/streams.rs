//! The three streams and the scorers' consumer: their names, subjects and settings, and how they come to be.

use crate::error::{self, BusError, from_create_stream};
use crate::{BusOptions, ScoreQueueOptions};
use async_nats::jetstream::consumer::{AckPolicy, DeliverPolicy, pull};
use async_nats::jetstream::context::CreateStreamErrorKind;
use async_nats::jetstream::stream::{Config, DiscardPolicy, RetentionPolicy, StorageType};
use async_nats::jetstream::{Context, ErrorCode};
use std::time::Duration;
use turnstone_types::TenantId;

/// Stream of the cycle events, `turnstone.glean.<tenant>`.
pub const STREAM_GLEAN: &str = "TURNSTONE_GLEAN";
/// Stream of the score batches, `turnstone.score.<tenant>`: a work queue, whose messages go when they are acked.
pub const STREAM_SCORE: &str = "TURNSTONE_SCORE";
/// Stream of the dead letters, `turnstone.dead.<tenant>`.
pub const STREAM_DEAD: &str = "TURNSTONE_DEAD";
/// The durable consumer that all scorers share.
pub const CONSUMER_SCORER: &str = "scorer";

const SUBJECT_SCORE_PREFIX: &str = "turnstone.score.";

/// How long the dead-letter stream remembers message ids: a worker that died between writing a dead letter and ending the
/// delivery may come back much later than a publisher that repeats itself.
const DEAD_DUPLICATE_WINDOW: Duration = Duration::from_secs(60 * 60);

pub(crate) fn glean_subject(tenant: &TenantId) -> String {
    format!("turnstone.glean.{}", tenant.subject_token())
}

pub(crate) fn score_subject(tenant: &TenantId) -> String {
    format!("{SUBJECT_SCORE_PREFIX}{}", tenant.subject_token())
}

/// The dead-letter subject for a message of `score_subject`.
pub(crate) fn dead_subject(score_subject: &str) -> String {
    format!(
        "turnstone.dead.{}",
        score_subject.strip_prefix(SUBJECT_SCORE_PREFIX).unwrap_or("_")
    )
}

/// Whether a message may be put back on `subject`: a dead letter's subject is data and could name any.
pub(crate) fn is_score_subject(subject: &str) -> bool {
    subject.strip_prefix(SUBJECT_SCORE_PREFIX).is_some_and(|token| {
        !token.is_empty()
            && token
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_'))
    })
}

fn wanted(options: &BusOptions) -> [(&'static str, Config); 3] {
    let base = |name: &str, subject: &str, limits: crate::StreamLimits| Config {
        name: name.to_owned(),
        subjects: vec![subject.to_owned()],
        max_bytes: limits.bytes_max,
        max_age: limits.age_max,
        // "No limit" must be said as -1: the server answers so, and a 0 here would look like a difference.
        max_messages: -1,
        max_messages_per_subject: -1,
        max_consumers: -1,
        storage: StorageType::File,
        num_replicas: options.replicas,
        duplicate_window: options.duplicate_window,
        ..Config::default()
    };
    [
        (
            STREAM_GLEAN,
            Config {
                description: Some("glean cycles that were committed".to_owned()),
                retention: RetentionPolicy::Limits,
                discard: DiscardPolicy::Old,
                ..base(STREAM_GLEAN, "turnstone.glean.*", options.glean_limits)
            },
        ),
        (
            STREAM_SCORE,
            Config {
                description: Some("score batches that wait for a scorer".to_owned()),
                retention: RetentionPolicy::WorkQueue,
                discard: DiscardPolicy::New,
                ..base(STREAM_SCORE, "turnstone.score.*", options.score_limits)
            },
        ),
        (
            STREAM_DEAD,
            Config {
                description: Some("score batches that were given up, with the reason".to_owned()),
                retention: RetentionPolicy::Limits,
                discard: DiscardPolicy::Old,
                allow_direct: true,
                duplicate_window: options.duplicate_window.max(DEAD_DUPLICATE_WINDOW),
                ..base(STREAM_DEAD, "turnstone.dead.*", options.dead_limits)
            },
        ),
    ]
}

/// Makes the streams that are missing and brings the settings of the others to what `options` says. Several processes may
/// do so at once.
pub(crate) async fn ensure(context: &Context, options: &BusOptions) -> Result<(), BusError> {
    for (name, config) in wanted(options) {
        ensure_one(context, name, config).await?;
    }
    Ok(())
}

async fn ensure_one(context: &Context, name: &'static str, wanted: Config) -> Result<(), BusError> {
    // Making a stream that is there with the same settings succeeds, so the usual case is one question.
    let error = match context.create_stream(wanted.clone()).await {
        Ok(_) => return Ok(()),
        Err(error) => error,
    };
    if !matches!(error.kind(), CreateStreamErrorKind::JetStream(answer) if answer.error_code() == ErrorCode::STREAM_NAME_EXIST)
    {
        return Err(from_create_stream(name, &error));
    }
    let present = context
        .get_stream(name)
        .await
        .map_err(|error| match error::server_error(&error) {
            Some(answer) => error::from_server("read stream", answer),
            None => BusError::unavailable("read stream", error::with_sources(&error)),
        })?
        .cached_info()
        .config
        .clone();
    let merged = merge(&present, wanted);
    if merged == present {
        return Ok(());
    }
    tracing::info!(stream = name, "bringing the stream's settings up to date");
    context
        .update_stream(&merged)
        .await
        .map_err(|error| from_create_stream(name, &error))?;
    Ok(())
}

/// What the stream shall be: ours in what we set, and as it is in everything else, so that what an operator tuned by hand
/// stays. Replicas are only raised: an operator who scaled a stream up must not find it scaled down by a restart.
fn merge(present: &Config, wanted: Config) -> Config {
    Config {
        subjects: wanted.subjects,
        description: wanted.description,
        retention: wanted.retention,
        discard: wanted.discard,
        max_bytes: wanted.max_bytes,
        max_age: wanted.max_age,
        duplicate_window: wanted.duplicate_window,
        allow_direct: wanted.allow_direct,
        num_replicas: present.num_replicas.max(wanted.num_replicas),
        ..present.clone()
    }
}

/// The scorers' consumer. `max_deliver` is without limit on purpose: a server that stops delivering a batch would leave it
/// in the work queue for ever with nobody told, so the worker counts attempts and buries.
pub(crate) fn scorer_consumer(options: &ScoreQueueOptions) -> pull::Config {
    pull::Config {
        durable_name: Some(CONSUMER_SCORER.to_owned()),
        description: Some("all scorers".to_owned()),
        deliver_policy: DeliverPolicy::All,
        ack_policy: AckPolicy::Explicit,
        ack_wait: options.ack_wait,
        max_deliver: -1,
        max_ack_pending: options.ack_pending_max,
        // Waiting pull requests, one for each idle scorer.
        max_waiting: 4096,
        ..pull::Config::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dead_letters_keep_the_tenant_and_only_go_back_to_the_score_queue() {
        let subject = score_subject(&TenantId::new("acme").expect("valid"));
        assert_eq!(dead_subject(&subject), "turnstone.dead.acme");
        assert_eq!(
            dead_subject(&score_subject(&TenantId::shared())),
            "turnstone.dead._"
        );
        assert!(is_score_subject(&subject) && is_score_subject("turnstone.score._"));
        for refused in [
            "turnstone.score.",
            "turnstone.score.a.b",
            "turnstone.score.*",
            "$JS.API.STREAM.DELETE.X",
            "turnstone.glean.a",
        ] {
            assert!(!is_score_subject(refused), "{refused}");
        }
    }

    #[test]
    fn replicas_are_raised_and_never_lowered() {
        let [(_, present), ..] = wanted(&BusOptions {
            replicas: 3,
            ..BusOptions::default()
        });
        let [(_, one), ..] = wanted(&BusOptions::default());
        assert_eq!(merge(&present, one.clone()).num_replicas, 3);
        assert_eq!(merge(&one, present).num_replicas, 3);
    }
}
