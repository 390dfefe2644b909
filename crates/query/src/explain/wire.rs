//! Frames of explanations as the public interface has them.

use turnstone_explain::flight::FrameId;
use turnstone_explain::frame::{CitableLine, ContextFrame, DoneFrame, ErrorFrame, Frame};
use turnstone_proto::timestamp_to_proto;
use turnstone_proto::v1::explanation_frame::Frame as WireFrame;
use turnstone_proto::v1::{
    ContextLine, ExplanationCitation, ExplanationContext, ExplanationDone, ExplanationError,
    ExplanationFrame, ExplanationHeartbeat, ExplanationToken, Redaction,
};

/// A frame that was read; without an id where nothing can be resumed.
pub(super) fn frame(id: Option<FrameId>, frame: &Frame) -> ExplanationFrame {
    let frame = match frame {
        Frame::Context(frame) => WireFrame::Context(context(frame)),
        Frame::Token(frame) => WireFrame::Token(ExplanationToken {
            text: frame.text.clone(),
        }),
        Frame::Citation(frame) => WireFrame::Citation(ExplanationCitation {
            reference: frame.reference.clone(),
            entry_id: frame
                .entry_id
                .as_ref()
                .map(ToString::to_string)
                .unwrap_or_default(),
        }),
        Frame::Done(frame) => WireFrame::Done(done(frame)),
        Frame::Error(frame) => WireFrame::Error(error(frame)),
    };
    ExplanationFrame {
        frame: Some(frame),
        id: id.map(|id| id.to_string()).unwrap_or_default(),
    }
}

/// A sign of life.
pub(super) fn heartbeat() -> ExplanationFrame {
    ExplanationFrame {
        frame: Some(WireFrame::Heartbeat(ExplanationHeartbeat {})),
        id: String::new(),
    }
}

/// An end that the service itself makes; nothing can be resumed behind it.
pub(super) fn ended(reason: &str) -> ExplanationFrame {
    ExplanationFrame {
        frame: Some(WireFrame::Error(ExplanationError {
            reason: reason.to_owned(),
            retryable: true,
        })),
        id: String::new(),
    }
}

fn count(count: u32) -> i32 {
    i32::try_from(count).unwrap_or(i32::MAX)
}

fn context(frame: &ContextFrame) -> ExplanationContext {
    ExplanationContext {
        lines: frame.lines.iter().map(line).collect(),
        time_from: frame.time_from.map(timestamp_to_proto),
        time_until: frame.time_until.map(timestamp_to_proto),
        left_out_count: count(frame.left_out_count),
        left_out: frame.left_out.clone(),
        redactions: frame
            .redacted
            .iter()
            .map(|(kind, number)| Redaction {
                kind: kind.clone(),
                count: count(*number),
            })
            .collect(),
    }
}

fn line(line: &CitableLine) -> ContextLine {
    ContextLine {
        reference: line.reference.clone(),
        entry_id: line.entry_id.to_string(),
        count: count(line.count),
        source_id: line.source_id.to_string(),
        timestamp: Some(timestamp_to_proto(line.timestamp)),
        text: line.text.clone(),
    }
}

fn done(frame: &DoneFrame) -> ExplanationDone {
    ExplanationDone {
        what_happened: frame.what_happened.clone(),
        likely_cause: frame.likely_cause.clone(),
        evidence: frame.evidence.clone(),
        next_steps: frame.next_steps.clone(),
        model: frame.model.clone().unwrap_or_default(),
        seconds: frame.seconds,
        token_count: count(frame.token_count),
        cached: frame.cached,
    }
}

fn error(frame: &ErrorFrame) -> ExplanationError {
    ExplanationError {
        reason: frame.reason.clone(),
        retryable: frame.retryable,
    }
}
