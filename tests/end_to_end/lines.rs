//! Made-up log lines: short, each different from every other, one in a hundred alarming.

const WORDS: [&str; 37] = [
    "apple", "bank", "book", "bridge", "card", "city", "cloud", "coffee", "corn", "desk", "door", "earth",
    "field", "fish", "forest", "garden", "gold", "green", "harbor", "house", "island", "kitchen", "lake",
    "letter", "market", "moon", "mountain", "music", "night", "ocean", "orange", "paper", "river", "school",
    "silver", "table", "winter",
];

/// How many different lines there are.
pub const LINES_MAX: usize = WORDS.len().pow(3);

/// The text of the line with this number; numbers under [`LINES_MAX`] give different texts.
pub fn text(number: usize) -> String {
    assert!(number < LINES_MAX, "line {number} would repeat an earlier one");
    if number % 100 == 50 {
        return format!("kernel: nvme0: I/O error, dev nvme0n1, sector {number}");
    }
    let [first, second, third] =
        [number, number / WORDS.len(), number / WORDS.len().pow(2)].map(|n| WORDS[n % WORDS.len()]);
    match number % 3 {
        0 => format!("cache hit for {third} {second} {first}"),
        1 => format!("served page {third} {second} {first}"),
        _ => format!("saved order {third} {second} {first}"),
    }
}

/// Lines as a file holds them.
pub fn file(numbers: std::ops::Range<usize>) -> String {
    numbers.map(|number| text(number) + "\n").collect()
}
