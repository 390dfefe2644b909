//! What a database means to do for the statements of a verb: collected on request, beside the verb itself.
//! The dialects note the plans; reading them is left to whoever asked, `turnstone bench query --explain` and the tests.

use std::cell::RefCell;

tokio::task_local! {
    static NOTED: RefCell<Vec<StatementPlan>>;
}

/// The tables that grow with every line, which no statement of a reader may read from end to end.
const LARGE_TABLES: [&str; 4] = [
    "log_entries",
    "entry_text_index",
    "detections",
    "detection_text_index",
];

/// One statement and the plan for it, as the database words it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StatementPlan {
    /// The statement, with placeholders.
    pub sql: String,
    /// The plan, one step a line.
    pub plan: String,
    /// Those of the tables that grow with every line, and of their text indexes, that it would read from end to end, once for each such step.
    pub read_through: Vec<&'static str>,
}

/// Runs a verb and collects the plans of its statements, in their order. Statements that the verb leaves to another task are not among
/// them; the verb becomes slower and its answer stays the same.
pub async fn explained<F: Future>(verb: F) -> (F::Output, Vec<StatementPlan>) {
    NOTED
        .scope(RefCell::default(), async {
            let answer = verb.await;
            (answer, NOTED.with(RefCell::take))
        })
        .await
}

/// Whether somebody wants plans of this task's statements.
pub(crate) fn wanted() -> bool {
    NOTED.try_with(|_| ()).is_ok()
}

/// Notes a plan for whoever wants it.
pub(crate) fn note(sql: &str, plan: String, read_through: Vec<&'static str>) {
    // Without anybody who wants it there is nowhere to put it.
    let _ = NOTED.try_with(|noted| {
        noted.borrow_mut().push(StatementPlan {
            sql: sql.to_owned(),
            plan,
            read_through,
        });
    });
}

/// What a plan of Postgres (`EXPLAIN` as text) reads from end to end.
pub(crate) fn postgres_read_through(plan: &str) -> Vec<&'static str> {
    let scanned = |line: &str| {
        let (_, rest) = line.split_once("Seq Scan on ")?;
        let table = rest.split_whitespace().next()?;
        LARGE_TABLES.into_iter().find(|large| *large == table)
    };
    plan.lines().filter_map(scanned).collect()
}

/// What a plan of SQLite (details of `EXPLAIN QUERY PLAN`, one a line) reads from end to end. It names tables by their aliases, so the
/// statement is looked through for what these stand for. A walk over a whole index counts as well.
pub(crate) fn sqlite_read_through(sql: &str, plan: &str) -> Vec<&'static str> {
    let scanned = |line: &str| {
        let name = line
            .trim_start()
            .strip_prefix("SCAN ")?
            .split_whitespace()
            .next()?;
        let stands_for = |large: &str| name == large || is_alias(sql, large, name);
        LARGE_TABLES.into_iter().find(|large| stands_for(large))
    };
    plan.lines().filter_map(scanned).collect()
}

/// Whether a statement has `table AS alias`, or the same without `AS`.
fn is_alias(sql: &str, table: &str, alias: &str) -> bool {
    let is_part = |character: char| character.is_ascii_alphanumeric() || character == '_';
    let words: Vec<&str> = sql
        .split(|character| !is_part(character))
        .filter(|word| !word.is_empty())
        .collect();
    (0..words.len()).any(|place| {
        let named = match words.get(place + 1) {
            Some(word) if word.eq_ignore_ascii_case("as") => words.get(place + 2),
            word => word,
        };
        words[place] == table && named == Some(&alias)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sequential_scans_of_large_tables_are_seen_in_plans_of_postgres() {
        let plan = "Limit  (cost=0.1..2 rows=1 width=4)\n  ->  Parallel Seq Scan on log_entries e  (cost=0..1 rows=1 width=4)\n  \
             ->  Index Scan using detections_open on detections  (cost=0..1)\n  ->  Seq Scan on detection_groups g  (cost=0..1)\n\
             ->  Seq Scan on detections  (cost=0..1)";
        assert_eq!(postgres_read_through(plan), ["log_entries", "detections"]);
        assert!(postgres_read_through("Seq Scan on detections_old").is_empty());
    }

    #[test]
    fn aliases_are_followed_in_plans_of_sqlite() {
        let sql =
            "SELECT e.id FROM log_entries AS e, detections d, log_entries_text t WHERE d.entry_id = e.id";
        let plan = "SCAN e\nSEARCH d USING INDEX sqlite_autoindex_detections_2 (entry_id=?)\nSCAN t VIRTUAL TABLE INDEX 0:M1";
        assert_eq!(sqlite_read_through(sql, plan), ["log_entries"]);
        assert_eq!(
            sqlite_read_through(sql, "SCAN d USING COVERING INDEX x"),
            ["detections"]
        );
        assert_eq!(
            sqlite_read_through("SELECT 1 FROM detections", "SCAN detections"),
            ["detections"]
        );
        assert!(sqlite_read_through(sql, "SCAN json_each VIRTUAL TABLE INDEX 1:\nSCAN given").is_empty());
    }

    #[tokio::test]
    async fn plans_are_collected_only_for_who_wants_them() {
        note("SELECT 1", String::new(), Vec::new());
        assert!(!wanted());
        let (answer, plans) = explained(async {
            assert!(wanted());
            note("SELECT 2", "SCAN".to_owned(), vec!["detections"]);
            7
        })
        .await;
        assert_eq!((answer, plans.len()), (7, 1));
        assert_eq!(plans[0].sql, "SELECT 2");
    }
}
