//! Plans and weights without a model.

use super::*;

/// The words that are tried, and those that are not.
fn tried(text: &str, rule: Normalise) -> (Vec<&str>, Vec<&str>) {
    let plan = Plan::of(text, rule);
    let word = |span: &Span| &text[span.range.clone()];
    (
        plan.spans
            .iter()
            .filter(|span| span.player.is_some())
            .map(word)
            .collect(),
        plan.spans
            .iter()
            .filter(|span| span.player.is_none())
            .map(word)
            .collect(),
    )
}

/// Probabilities by the words that a text holds: the sum of what each is worth.
fn probabilities(plan: &Plan, worth: &[(&str, f64)]) -> Vec<f64> {
    let sum = |text: &String| {
        let of = |(word, worth): &(&str, f64)| if text.contains(word) { *worth } else { 0.0 };
        worth.iter().map(of).sum()
    };
    plan.texts.iter().map(sum).collect()
}

#[test]
fn what_words_add_independently_is_their_weight() {
    let text = "disk sda1 is full, again";
    let worth = [("disk", 0.25), ("full", 0.5), ("again", -0.125)];
    let plan = Plan::of(text, Normalise::Raw);
    let weights = plan
        .weigh(&probabilities(&plan, &worth))
        .expect("a probability for each");
    for weight in &weights {
        let word = &text[weight.range.clone()];
        let expected = worth
            .iter()
            .find(|(other, _)| *other == word)
            .map_or(0.0, |(_, worth)| *worth);
        assert!(
            (weight.weight - expected).abs() < 1e-12,
            "{word}: {}",
            weight.weight
        );
    }
    assert_eq!(weights.len(), 5);
}

#[test]
fn words_that_say_the_same_share_what_they_say() {
    let text = "failed and refused and denied";
    let plan = Plan::of(text, Normalise::Raw);
    let any = |text: &String| {
        f64::from(
            ["failed", "refused", "denied"]
                .iter()
                .any(|word| text.contains(word)),
        )
    };
    let probabilities: Vec<f64> = plan.texts.iter().map(any).collect();
    let weights = plan.weigh(&probabilities).expect("a probability for each");
    let total: f64 = weights.iter().map(|weight| weight.weight).sum();
    assert!((total - 1.0).abs() < 1e-12, "{total}");
    for weight in &weights {
        let is_and = &text[weight.range.clone()] == "and";
        // None of them is missed alone; each would do.
        assert_eq!(weight.weight > 0.1, !is_and, "{weights:?}");
    }
}

#[test]
fn the_texts_are_the_whole_the_bare_and_all_between() {
    let plan = Plan::of(" disk full, sda1", Normalise::Raw);
    assert_eq!(&plan.texts[..2], [" disk full, sda1", ","]);
    assert_eq!(plan.texts.len(), 2 + 2 * plan.orders.len());
    assert_eq!(plan.orders.len(), 2 * ORDER_PAIRS_MAX);
    let known = [
        "disk ,",
        "full,",
        ", sda1",
        "disk full,",
        "disk , sda1",
        "full, sda1",
    ];
    for text in &plan.texts[2..] {
        assert!(known.contains(&text.as_str()), "{text:?}");
    }
    assert!(plan.weigh(&vec![0.5; plan.texts.len() - 1]).is_none());
    assert!(plan.weigh(&vec![0.5; plan.texts.len() + 1]).is_none());
}

#[test]
fn a_header_that_the_template_drops_is_never_tried_and_what_it_keeps_of_it_is() {
    let line = "Nov 22 10:00:00 gate sshd[42]: Failed password";
    let (words, dropped) = tried(line, Normalise::Template);
    assert_eq!(words, ["sshd", "42", "Failed", "password"]);
    assert_eq!(dropped, ["Nov", "22", "10:00:00", "gate"]);
    let plan = Plan::of(line, Normalise::Template);
    assert_eq!(plan.texts[0], line);
    assert!(
        plan.texts[1..].iter().all(|text| !text.contains("gate")),
        "{:?}",
        plan.texts
    );

    // RFC 5424: the program stands in the middle of what is dropped, here behind a host that is called the same.
    let line = "<34>1 2026-11-22T10:00:00Z su su 77 ID47 - login failed";
    let plan = Plan::of(line, Normalise::Template);
    let program = plan.spans.iter().find(|span| span.player.is_some());
    assert_eq!(program.map(|span| span.range.clone()), Some(30..32));
    assert_eq!(tried(line, Normalise::Template).0, ["su", "login", "failed"]);
    assert!(
        plan.texts.iter().any(|text| text == ": login failed"),
        "{:?}",
        plan.texts
    );
    assert!(
        plan.texts.iter().any(|text| text == "su: failed"),
        "{:?}",
        plan.texts
    );
}

#[test]
fn words_behind_the_models_limit_are_counted_and_many_words_are_tried_in_spans() {
    let long = "ab ".repeat(1_000);
    for rule in [Normalise::Raw, Normalise::Template] {
        let plan = Plan::of(&long, rule);
        // 512 characters hold 170 words and the two letters of another: 86 spans of two words and less.
        assert_eq!((plan.spans.len(), plan.left_out_words), (86, 829), "{rule}");
        assert_eq!(plan.spans[0].range, 0..5, "{rule}");
    }
    // One mark stands for all the numbers, so the model sees as many as are read of a line: 820 in 4,096 characters.
    let masked = "4711 ".repeat(1_000) + "refused";
    let plan = Plan::of(&masked, Normalise::Template);
    assert_eq!((plan.spans.len(), plan.left_out_words), (118, 181));
    for words in [1, 2, 3, 31, 32, 33, 127, 128, 129, 256] {
        let plan = Plan::of(&"a ".repeat(words), Normalise::Raw);
        assert!(
            plan.texts.len() <= ATTRIBUTED_ROWS_MAX,
            "{words}: {}",
            plan.texts.len()
        );
        assert!(plan.spans.len() <= ATTRIBUTED_SPANS_MAX, "{words}");
    }
}

#[test]
fn texts_without_words_and_of_many_bytes_a_character_are_taken() {
    for rule in [Normalise::Raw, Normalise::Template] {
        for text in [
            "",
            "   ",
            "\u{1b}[0m",
            "é",
            "日本語",
            "\u{202e}x",
            "🔥🔥 🔥",
            "Nov 22 10:00:00 é",
        ] {
            let plan = Plan::of(text, rule);
            assert_eq!(plan.texts[0], text);
            assert!(
                plan.spans
                    .iter()
                    .all(|span| text.get(span.range.clone()).is_some())
            );
            let weights = plan
                .weigh(&vec![0.5; plan.texts.len()])
                .expect("a probability for each");
            assert!(weights.iter().all(|weight| weight.weight == 0.0));
        }
        let long = "é".repeat(10_000);
        assert!(
            Plan::of(&long, rule)
                .spans
                .iter()
                .all(|span| span.range.end <= 8_192)
        );
    }
}
