//! Numbers over time in one line of text.

const STEPS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

/// One character for each number, its height relative to the largest. Nothing is a space, so that little and nothing differ.
pub fn sparkline(numbers: impl IntoIterator<Item = u64> + Clone) -> String {
    let largest = numbers.clone().into_iter().max().unwrap_or(0);
    let step = |number: u64| match number {
        0 => ' ',
        // Within 1 to 8: the number is positive and at most the largest.
        _ => {
            let eighths = (u128::from(number) * STEPS.len() as u128).div_ceil(u128::from(largest));
            STEPS[(eighths as usize).clamp(1, STEPS.len()) - 1]
        }
    };
    numbers.into_iter().map(step).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn heights_are_relative_to_the_largest() {
        assert_eq!(sparkline([0, 1, 50, 100, 800]), " ▁▁▁█");
        assert_eq!(sparkline([1, 2, 3, 4, 5, 6, 7, 8]), "▁▂▃▄▅▆▇█");
        assert_eq!(sparkline([0, 0]), "  ");
        assert_eq!(sparkline([u64::MAX, 1]), "█▁");
        assert_eq!(sparkline([]), "");
    }
}
