//! The classes of transformers' tokenizers that can be built: which files they have, and their special tokens unless
//! tokenizer_config.json says otherwise.

/// How a class stores its vocabulary.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Layout {
    /// `vocab.txt`, a word a line.
    WordPiece,
    /// `vocab.json` and `merges.txt`.
    ByteLevelBpe,
    /// A protobuf of sentencepiece.
    SentencePiece {
        /// Its name.
        file: &'static str,
        /// What the class does to it.
        style: SentencePieceStyle,
    },
}

impl Layout {
    /// The files, for people.
    pub fn files(self) -> &'static str {
        match self {
            Self::WordPiece => "vocab.txt",
            Self::ByteLevelBpe => "vocab.json with merges.txt",
            Self::SentencePiece { file, .. } => file,
        }
    }
}

/// What a class makes of a sentencepiece model.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum SentencePieceStyle {
    /// Its own special tokens first, `<mask>` last; one id more than sentencepiece's.
    XlmRoberta,
    /// Five special tokens first, `<mask>` last.
    Camembert,
    /// The pieces as they are; quotes, accents and case are folded.
    Albert,
    /// The pieces as they are; the text is stripped at both ends.
    DebertaV2,
}

/// Special tokens in the order in which transformers adds them.
pub(super) const ROLES: [&str; 7] = [
    "bos_token",
    "eos_token",
    "unk_token",
    "sep_token",
    "pad_token",
    "cls_token",
    "mask_token",
];

/// Place of the unknown token in [`ROLES`].
pub(super) const UNKNOWN: usize = 2;
/// Place of the separator in [`ROLES`].
pub(super) const SEPARATOR: usize = 3;
/// Place of the token of the whole text in [`ROLES`].
pub(super) const CLASS: usize = 5;
/// Place of the mask in [`ROLES`].
pub(super) const MASK: usize = 6;

/// One class of tokenizers.
#[derive(Debug)]
pub(super) struct Class {
    /// Its name in transformers, without `Tokenizer` and `Fast`.
    name: &'static str,
    /// `model_type` of the models that use it.
    model_type: &'static str,
    /// Its files.
    pub layout: Layout,
    /// Its tokens by [`ROLES`]; empty where it has none.
    pub special_tokens: [&'static str; 7],
    /// Special tokens beside those.
    pub additional: &'static [&'static str],
    /// Whether the mask takes the space before it along.
    pub mask_strips_left: bool,
    /// Places in [`ROLES`] of the tokens that are looked for in the normalised text.
    pub normalized: &'static [usize],
}

const BERT: [&str; 7] = ["", "", "[UNK]", "[SEP]", "[PAD]", "[CLS]", "[MASK]"];
const ROBERTA: [&str; 7] = ["<s>", "</s>", "<unk>", "</s>", "<pad>", "<s>", "<mask>"];

const fn bert_like(name: &'static str, model_type: &'static str) -> Class {
    Class {
        name,
        model_type,
        layout: Layout::WordPiece,
        special_tokens: BERT,
        additional: &[],
        mask_strips_left: false,
        normalized: &[],
    }
}

const CLASSES: [Class; 9] = [
    bert_like("Bert", "bert"),
    bert_like("DistilBert", "distilbert"),
    bert_like("Electra", "electra"),
    Class {
        special_tokens: ["<s>", "</s>", "[UNK]", "</s>", "<pad>", "<s>", "<mask>"],
        mask_strips_left: true,
        ..bert_like("MPNet", "mpnet")
    },
    Class {
        name: "Roberta",
        model_type: "roberta",
        layout: Layout::ByteLevelBpe,
        special_tokens: ROBERTA,
        additional: &[],
        mask_strips_left: true,
        normalized: &[0, 1, UNKNOWN, SEPARATOR, 4, CLASS],
    },
    Class {
        name: "XLMRoberta",
        model_type: "xlm-roberta",
        layout: Layout::SentencePiece {
            file: "sentencepiece.bpe.model",
            style: SentencePieceStyle::XlmRoberta,
        },
        special_tokens: ROBERTA,
        additional: &[],
        mask_strips_left: true,
        normalized: &[],
    },
    Class {
        name: "Camembert",
        model_type: "camembert",
        layout: Layout::SentencePiece {
            file: "sentencepiece.bpe.model",
            style: SentencePieceStyle::Camembert,
        },
        special_tokens: ROBERTA,
        additional: &["<s>NOTUSED", "</s>NOTUSED", "<unk>NOTUSED"],
        mask_strips_left: true,
        normalized: &[],
    },
    Class {
        name: "Albert",
        model_type: "albert",
        layout: Layout::SentencePiece {
            file: "spiece.model",
            style: SentencePieceStyle::Albert,
        },
        special_tokens: ["[CLS]", "[SEP]", "<unk>", "[SEP]", "<pad>", "[CLS]", "[MASK]"],
        additional: &[],
        mask_strips_left: true,
        normalized: &[],
    },
    Class {
        name: "DebertaV2",
        model_type: "deberta-v2",
        layout: Layout::SentencePiece {
            file: "spm.model",
            style: SentencePieceStyle::DebertaV2,
        },
        special_tokens: ["[CLS]", "[SEP]", "[UNK]", "[SEP]", "[PAD]", "[CLS]", "[MASK]"],
        additional: &[],
        mask_strips_left: false,
        normalized: &[UNKNOWN],
    },
];

/// The class that tokenizer_config.json names, or else that of the model's type.
pub(super) fn find(tokenizer_class: Option<&str>, model_type: Option<&str>) -> Option<&'static Class> {
    const { &CLASSES }.iter().find(|class| match tokenizer_class {
        Some(name) => {
            name.strip_suffix("Fast")
                .unwrap_or(name)
                .strip_suffix("Tokenizer")
                == Some(class.name)
        }
        None => model_type == Some(class.model_type),
    })
}
