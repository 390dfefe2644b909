//! How the names of tensors in files differ from those that a family uses, and which tensors may be left over.

use std::borrow::Cow;

/// A family's table of names.
#[derive(Debug, Default)]
pub(crate) struct NameTable {
    /// Parts of names as some files spell them, and how the family does: the first pair whose first half occurs in a name
    /// is applied to it, once.
    pub renamed: &'static [(&'static str, &'static str)],
    /// Tensors, by the family's names, that the classifier does not use and files may hold all the same: heads of
    /// pre-training, a pooler that the classification head has no use for. `*` stands for any text.
    pub ignored: &'static [&'static str],
}

/// Buffers that old versions of transformers saved although they hold only 0, 1, 2, …: transformers ignores them too.
const IGNORED_EVERYWHERE: [&str; 2] = ["*embeddings.position_ids", "*embeddings.token_type_ids"];

impl NameTable {
    /// What the family calls the tensor that a file calls `stored`.
    pub(super) fn rename<'a>(&self, stored: &'a str) -> Cow<'a, str> {
        match self.renamed.iter().find(|(from, _)| stored.contains(from)) {
            Some((from, to)) => Cow::Owned(stored.replacen(from, to, 1)),
            None => Cow::Borrowed(stored),
        }
    }
}

/// Files made from early TensorFlow checkpoints call a layer norm's weight gamma and its bias beta, in every family.
pub(super) fn modern_name(stored: &str) -> Cow<'_, str> {
    if let Some(prefix) = stored.strip_suffix("LayerNorm.gamma") {
        Cow::Owned(format!("{prefix}LayerNorm.weight"))
    } else if let Some(prefix) = stored.strip_suffix("LayerNorm.beta") {
        Cow::Owned(format!("{prefix}LayerNorm.bias"))
    } else {
        Cow::Borrowed(stored)
    }
}

/// Whether nothing is lost when nobody reads the tensor.
pub(super) fn may_be_left_over(name: &str, ignored: &[&str]) -> bool {
    let mut patterns = IGNORED_EVERYWHERE.iter().chain(ignored);
    patterns.any(|pattern| matches(pattern, name))
}

/// Whether a name fits a pattern in which `*` stands for any text.
fn matches(pattern: &str, name: &str) -> bool {
    let Some((start, rest)) = pattern.split_once('*') else {
        return pattern == name;
    };
    let Some(name) = name.strip_prefix(start) else {
        return false;
    };
    (0..=name.len())
        .filter(|from| name.is_char_boundary(*from))
        .any(|from| matches(rest, &name[from..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stars_stand_for_any_text() {
        for (pattern, name) in [
            ("a.b", "a.b"),
            ("cls.*", "cls.predictions.bias"),
            ("*.position_ids", "bert.embeddings.position_ids"),
            ("a*c*e", "abcde"),
            ("a*", "a"),
            ("*é", "aéé"),
        ] {
            assert!(matches(pattern, name), "{pattern} {name}");
        }
        for (pattern, name) in [
            ("a.b", "a.bc"),
            ("cls.*", "bert.cls.x"),
            ("*.ids", "a.ids.b"),
            ("a*c", "abd"),
        ] {
            assert!(!matches(pattern, name), "{pattern} {name}");
        }
    }

    #[test]
    fn the_first_pair_that_occurs_renames_once() {
        let table = NameTable {
            renamed: &[("old.", "new."), ("new.", "newer.")],
            ignored: &[],
        };
        assert_eq!(table.rename("x.old.old.y"), "x.new.old.y");
        assert_eq!(table.rename("x.new.y"), "x.newer.y");
        assert_eq!(table.rename("x.y"), "x.y");
    }

    #[test]
    fn only_buffers_and_what_the_family_lists_may_be_left_over() {
        assert!(may_be_left_over("bert.embeddings.position_ids", &[]));
        assert!(may_be_left_over("cls.predictions.bias", &["cls.*"]));
        assert!(!may_be_left_over("cls.predictions.bias", &[]));
        assert!(!may_be_left_over(
            "bert.encoder.layer.9.output.dense.bias",
            &["cls.*", "*.pooler.*"]
        ));
    }
}
