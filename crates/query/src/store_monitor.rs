//! Asks the store once a second whether it is ready, and tells readiness and the gRPC health service.
//! Probes read what was found, so that they cost the store nothing however often they come.

use crate::status::chain;
use std::sync::Arc;
use std::time::Duration;
use tokio_util::sync::CancellationToken;
use tonic_health::ServingStatus;
use tonic_health::server::HealthReporter;
use turnstone_service::health::Readiness;
use turnstone_store::Store;

/// Name of the condition in readiness.
pub(crate) const STORE_CONDITION: &str = "store";
/// Name of the condition that ends with the stop.
pub(crate) const ACCEPTING_CONDITION: &str = "query";
const CHECK_INTERVAL: Duration = Duration::from_secs(1);
const CHECK_TIME_MAX: Duration = Duration::from_secs(3);

pub(crate) struct StoreMonitor {
    pub store: Arc<dyn Store>,
    pub readiness: Readiness,
    pub health: HealthReporter,
    pub service_names: Vec<&'static str>,
}

impl StoreMonitor {
    /// Checks until `stop`, then says that the service no longer serves.
    pub async fn run(self, stop: CancellationToken) {
        self.readiness.set(ACCEPTING_CONDITION, true);
        let mut store_was_ready = None;
        let checks = async {
            let mut ticks = tokio::time::interval(CHECK_INTERVAL);
            ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
            loop {
                ticks.tick().await;
                let refusal = self.refusal().await;
                let store_is_ready = refusal.is_none();
                if store_was_ready != Some(store_is_ready) {
                    match &refusal {
                        None => tracing::info!("store ready"),
                        Some(error) => tracing::warn!(error, "store not ready"),
                    }
                    store_was_ready = Some(store_is_ready);
                }
                self.readiness.set(STORE_CONDITION, store_is_ready);
                self.report(self.readiness.missing().is_empty()).await;
            }
        };
        stop.run_until_cancelled(checks).await;
        self.readiness.set(ACCEPTING_CONDITION, false);
        self.report(false).await;
    }

    async fn refusal(&self) -> Option<String> {
        match tokio::time::timeout(CHECK_TIME_MAX, self.store.check_ready()).await {
            Ok(Ok(())) => None,
            Ok(Err(error)) => Some(chain(&error)),
            Err(_) => Some(format!("no answer within {} s", CHECK_TIME_MAX.as_secs())),
        }
    }

    async fn report(&self, serving: bool) {
        let status = if serving {
            ServingStatus::Serving
        } else {
            ServingStatus::NotServing
        };
        // The empty name stands for the server as a whole.
        for name in self.service_names.iter().copied().chain([""]) {
            self.health.set_service_status(name, status).await;
        }
    }
}
