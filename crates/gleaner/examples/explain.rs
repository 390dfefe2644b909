//! Prints the parsing report of a file as JSON, and with `--times` each entry's time and severity, for checks by hand.
#![allow(clippy::print_stdout)]

use std::fs::File;
use turnstone_gleaner::parse::{LineParser, ZoneOfSource};
use turnstone_gleaner::{SourceConfig, explain_parsing};
use turnstone_types::{SourceId, Timestamp};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let path = arguments.next().ok_or("give the path of a log")?;
    let now = Timestamp::now();
    if arguments.next().as_deref() == Some("--times") {
        let mut parser = LineParser::new(ZoneOfSource::unknown(), now);
        for line in String::from_utf8_lossy(&std::fs::read(&path)?).lines() {
            let parsed = parser.parse(line);
            let severity = parsed.severity.map_or("-", |severity| severity.as_str());
            println!(
                "{}\t{}\t{severity}\t{}",
                parsed.timestamp.as_microsecond(),
                parsed.basis.as_str(),
                parsed.format
            );
        }
        return Ok(());
    }
    let config = SourceConfig::for_path(SourceId::new("explain")?, path.as_ref());
    let report = explain_parsing(File::open(&path)?, &config, now)?;
    println!(
        "{} {}",
        report.timed_share(),
        serde_json::to_string_pretty(&report)?
    );
    Ok(())
}
