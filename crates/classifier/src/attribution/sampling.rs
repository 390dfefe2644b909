//! The texts that are scored to find out what each word does, and what comes out of their probabilities. Knows the rule by which a
//! model is shown a text, and keeps what it would never see of it out of the count.

use super::{WordWeight, words};
use crate::options::Normalise;
use std::ops::Range;
use turnstone_types::{SCORED_TEXT_CHARS_MAX, template, template_header, truncate_chars};

/// Words of a text that are tried one by one. Where there are more, neighbours go together, in spans of equal counts.
pub const ATTRIBUTED_SPANS_MAX: usize = 128;
/// Most texts that are scored for one: as much work as some 128 lines of its length, since they have half of its words on average.
/// That is half a score batch, so a question holds nobody up for longer than a batch does.
pub const ATTRIBUTED_ROWS_MAX: usize = 256;

/// Most pairs of orders in which words are added one after the other; texts of up to 32 words have as many.
const ORDER_PAIRS_MAX: usize = 4;
/// Words of a header that the template keeps (a program, a level) and that are tried.
const HEADER_WORDS_MAX: usize = 8;

/// What is scored for one text.
#[derive(Debug)]
pub(super) struct Plan {
    /// The whole text; then, where it has words, the text without any of them; then, for each order, the texts with its first
    /// word, with its first two, and so on up to all but one.
    pub texts: Vec<String>,
    /// Words behind what the model sees.
    pub left_out_words: usize,
    /// In the order of the text.
    spans: Vec<Span>,
    /// Orders of the players.
    orders: Vec<Vec<usize>>,
}

/// A word, or neighbours that go together.
#[derive(Debug)]
struct Span {
    range: Range<usize>,
    /// Its number among those that are tried; none where the model never sees it.
    player: Option<usize>,
}

/// A text in parts, some of which can be left out.
struct Parts {
    text: String,
    /// Ranges of `text` by player, in the order of the text.
    players: Vec<Range<usize>>,
}

impl Plan {
    /// Plans at most [`ATTRIBUTED_ROWS_MAX`] texts.
    pub fn of(text: &str, rule: Normalise) -> Self {
        let scored = truncate_chars(text, SCORED_TEXT_CHARS_MAX);
        let words = words::split(text);
        let basis = &scored[..match rule {
            Normalise::Raw => rule.seen(scored).len(),
            Normalise::Template => template_basis(scored, &words),
        }];
        let left_out_words = words.iter().filter(|word| word.start >= basis.len()).count();
        // The last word may go on behind the end of what the model sees.
        let words: Vec<Range<usize>> = words
            .into_iter()
            .filter(|word| word.start < basis.len())
            .map(|word| word.start..word.end.min(basis.len()))
            .collect();
        let (parts, spans) = match rule {
            Normalise::Raw => parts_of(basis, &words),
            Normalise::Template => parts_of_template(basis, &words),
        };
        let players = parts.players.len();
        let orders = orders(players);
        let mut texts = vec![scored.to_owned()];
        if players > 0 {
            texts.push(parts.with(&vec![false; players]));
        }
        for order in &orders {
            let mut present = vec![false; players];
            for player in &order[..order.len() - 1] {
                present[*player] = true;
                texts.push(parts.with(&present));
            }
        }
        Self {
            texts,
            left_out_words,
            spans,
            orders,
        }
    }

    /// What each span does, given the probabilities of the texts. `None` unless there is one for each.
    pub fn weigh(&self, probabilities: &[f64]) -> Option<Vec<WordWeight>> {
        let whole = *probabilities.first()?;
        let players = self.orders.first().map_or(0, Vec::len);
        let mut weights = vec![0.0; players];
        let mut rows = probabilities.iter().skip(2);
        for order in &self.orders {
            let mut before = *probabilities.get(1)?;
            for (place, player) in order.iter().enumerate() {
                let with = if place + 1 == order.len() {
                    whole
                } else {
                    *rows.next()?
                };
                weights[*player] += (with - before) / self.orders.len() as f64;
                before = with;
            }
        }
        let weigh = |span: &Span| WordWeight {
            range: span.range.clone(),
            weight: span.player.map_or(0.0, |player| weights[player]),
        };
        rows.next()
            .is_none()
            .then(|| self.spans.iter().map(weigh).collect())
    }
}

impl Parts {
    /// The text with those players that are `present`, and without the space that would be left double.
    fn with(&self, present: &[bool]) -> String {
        let mut kept = String::with_capacity(self.text.len());
        let mut from = 0;
        let keep = |kept: &mut String, part: &str| {
            let is_double = kept.is_empty() || kept.ends_with(char::is_whitespace);
            kept.push_str(if is_double { part.trim_start() } else { part });
        };
        for (range, _) in self.players.iter().zip(present).filter(|(_, present)| !**present) {
            keep(&mut kept, &self.text[from..range.start]);
            from = range.end;
        }
        keep(&mut kept, &self.text[from..]);
        kept.truncate(kept.trim_end().len());
        kept
    }
}

/// All words of a text that a model sees as it is.
fn parts_of(text: &str, words: &[Range<usize>]) -> (Parts, Vec<Span>) {
    let mut spans = Vec::new();
    let mut players = Vec::new();
    add_words(words, 0, &mut players, &mut spans);
    let text = text.to_owned();
    (Parts { text, players }, spans)
}

/// Adds words as players, whose ranges in the parts lie `behind` those in the text; neighbours together where there are too
/// many.
fn add_words(words: &[Range<usize>], behind: isize, players: &mut Vec<Range<usize>>, spans: &mut Vec<Span>) {
    let places = ATTRIBUTED_SPANS_MAX - players.len();
    let words_per_span = words.len().div_ceil(places).max(1);
    for group in words.chunks(words_per_span) {
        let range = group[0].start..group[group.len() - 1].end;
        spans.push(Span {
            range: range.clone(),
            player: Some(players.len()),
        });
        players.push(range.start.wrapping_add_signed(behind)..range.end.wrapping_add_signed(behind));
    }
}

/// The words of a text that a model sees the template of.
///
/// Most of a header is dropped before the model sees it, and it is recognised by all of its parts: without the month, the
/// date would be words of the message. So what the template keeps of the header takes its place here, which makes the same
/// template, since that of a template is itself.
fn parts_of_template(text: &str, words: &[Range<usize>]) -> (Parts, Vec<Span>) {
    let (kept, body) = template_header(text);
    let with_kept = text.get(body..).map(|body| format!("{kept}{body}"));
    let Some(with_kept) = with_kept.filter(|with_kept| template(with_kept) == template(text)) else {
        return parts_of(text, words);
    };
    let (of_header, of_body) = words.split_at(words.partition_point(|word| word.start < body));
    let mut players = Vec::new();
    let mut spans: Vec<Span> = of_header
        .iter()
        .map(|word| Span {
            range: word.clone(),
            player: None,
        })
        .collect();
    // From the end, since a host that is called as the program stands before it.
    let mut unmatched = of_header.len();
    let mut matched = Vec::new();
    for kept_word in words::split(&kept).into_iter().rev().take(HEADER_WORDS_MAX) {
        let name = &kept[kept_word.clone()];
        let found = of_header[..unmatched]
            .iter()
            .rposition(|word| &text[word.clone()] == name);
        if let Some(found) = found {
            matched.push((found, kept_word));
            unmatched = found;
        }
    }
    for (player, (found, kept_word)) in matched.into_iter().rev().enumerate() {
        spans[found].player = Some(player);
        players.push(kept_word);
    }
    // Both fit: a text is 4,096 characters at most.
    let behind = kept.len() as isize - body as isize;
    add_words(of_body, behind, &mut players, &mut spans);
    let text = with_kept;
    (Parts { text, players }, spans)
}

/// Bytes of the start of `scored` that its template is made of: all of it, or where the model does not see the end of the template
/// the shortest start, to the end of a word, with which it sees the same.
fn template_basis(scored: &str, words: &[Range<usize>]) -> usize {
    let rule = Normalise::Template;
    let whole = rule.seen(scored);
    if whole.len() == template(scored).len() {
        return scored.len();
    }
    let is_enough = |words_kept: usize| rule.seen(&scored[..words[words_kept - 1].end]) == whole;
    // Of a word that is cut with the text nothing can be said.
    let (mut too_few, mut enough) = (0, words.partition_point(|word| word.end <= scored.len()));
    if enough == 0 || !is_enough(enough) {
        return scored.len();
    }
    // A longer start is enough when a shorter one is, for all that comes behind the model's limit changes nothing.
    while enough - too_few > 1 {
        let middle = too_few + (enough - too_few) / 2;
        if is_enough(middle) {
            enough = middle;
        } else {
            too_few = middle;
        }
    }
    words[enough - 1].end
}

/// Orders in which players are added, always the same for as many players. In pairs that run both ways, so that each player comes
/// early as often as late, which takes most of the chance out of so few of them.
fn orders(players: usize) -> Vec<Vec<usize>> {
    if players == 0 {
        return Vec::new();
    }
    let pairs = (ATTRIBUTED_ROWS_MAX / (2 * players)).clamp(1, ORDER_PAIRS_MAX);
    let mut random = SplitMix64(0);
    let mut orders = Vec::with_capacity(2 * pairs);
    let mut order: Vec<usize> = (0..players).collect();
    for _ in 0..pairs {
        for last in (1..players).rev() {
            order.swap(last, (random.next() % (last as u64 + 1)) as usize);
        }
        orders.push(order.clone());
        orders.push(order.iter().rev().copied().collect());
    }
    orders
}

/// The generator of Steele, Lea and Flood ("Fast splittable pseudorandom number generators", 2014): its numbers are the same on
/// every machine and in every version, and so are the weights of a line.
struct SplitMix64(u64);

impl SplitMix64 {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }
}

#[cfg(test)]
mod tests;
