//! Acknowledging detections, undoing it, and suppressing what is not to be seen for a while.

use super::{DetectionFilter, GroupKey};
use turnstone_types::{
    AcknowledgementId, DetectionId, Fingerprint, Label, SourceId, SuppressionId, TenantId, Timestamp, Verdict,
};

/// Which detections to acknowledge or open again.
#[derive(Debug, Clone, PartialEq)]
pub enum DetectionSelection {
    /// These.
    Ids(Vec<DetectionId>),
    /// All that match.
    Filter(DetectionFilter),
    /// Those of these groups, each up to a moment.
    Groups(Vec<GroupUntil>),
}

/// A group up to a moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GroupUntil {
    /// The group.
    pub key: GroupKey,
    /// Its detections made at this moment or before.
    pub until: Timestamp,
}

/// Acknowledges detections of a tenant and of the shared one.
#[derive(Debug, Clone, PartialEq)]
pub struct AcknowledgeRequest {
    /// Whose detections: this tenant's and the shared ones.
    pub tenant: TenantId,
    /// Which.
    pub selection: DetectionSelection,
    /// What is said of them.
    pub verdict: Option<Verdict>,
    /// Note kept with them: the reason.
    pub notes: String,
    /// Who does it; empty where that is not known.
    pub by: String,
    /// The instant of it.
    pub at: Timestamp,
    /// Only count what would change.
    pub dry_run: bool,
}

impl AcknowledgeRequest {
    /// Without verdict, note or name, and not a dry run.
    pub fn new(tenant: TenantId, selection: DetectionSelection, at: Timestamp) -> Self {
        Self {
            tenant,
            selection,
            verdict: None,
            notes: String::new(),
            by: String::new(),
            at,
            dry_run: false,
        }
    }
}

/// What an acknowledgement did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Acknowledged {
    /// Detections that changed, or would have in a dry run.
    pub count: u64,
    /// The operation, to undo it; none in a dry run and where nothing changed.
    pub operation_id: Option<AcknowledgementId>,
}

/// What undoing an acknowledgement did; the same again when it is asked for again.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Undone {
    /// Detections that have their state from before the operation again.
    pub restored: u64,
    /// Detections that something else has changed since.
    pub left_alone: u64,
}

/// Detections that nobody wants to see until a moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewSuppression {
    /// Whose. A suppression of the shared tenant works on the detections of every tenant.
    pub tenant: TenantId,
    /// Fingerprint of the texts.
    pub fingerprint: Fingerprint,
    /// Only of this source.
    pub source_id: Option<SourceId>,
    /// Only of this label.
    pub label: Option<Label>,
    /// Works on detections made before this moment.
    pub expires_at: Timestamp,
    /// Why, for people; becomes the note of the detections.
    pub reason: String,
    /// Who; empty where that is not known.
    pub by: String,
    /// The instant of it.
    pub at: Timestamp,
}

/// A suppression that is stored, expired or not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Suppression {
    /// Identifier.
    pub id: SuppressionId,
    /// What it says.
    pub rule: NewSuppression,
}

/// Position in a list of suppressions, newest first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SuppressionKey {
    /// When the last one seen was made.
    pub created_at: Timestamp,
    /// Its id.
    pub id: SuppressionId,
}
