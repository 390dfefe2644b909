//! Tokenizers built from the files of slow ones, against the ids that transformers makes of the same texts
//! (`tests/golden/tokenizers/make.py`).

use super::*;
use serde::Deserialize;
use std::collections::BTreeMap;

#[derive(Deserialize)]
struct Expected {
    texts: Vec<String>,
    ids: BTreeMap<String, Vec<Vec<u32>>>,
}

fn golden() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/tokenizers")
}

fn open(dir: &Path) -> Result<TokenizerFiles, LoadError> {
    let config: serde_json::Value =
        serde_json::from_slice(&fs::read(dir.join("config.json")).unwrap()).unwrap();
    TokenizerFiles::open(dir, config["model_type"].as_str())
}

#[test]
fn built_tokenizers_make_the_ids_of_transformers() {
    let expected: Expected =
        serde_json::from_slice(&fs::read(golden().join("expected.json")).unwrap()).unwrap();
    assert!(expected.texts.len() >= 50 && expected.ids.len() >= 13);
    let mut wrong = Vec::new();
    for (name, ids) in &expected.ids {
        let files = open(&golden().join(name)).unwrap();
        assert_ne!(files.kind, TokenizerKind::Fast, "{name}");
        let tokenizer = files.build().unwrap();
        assert_eq!(ids.len(), expected.texts.len());
        for (text, ids) in expected.texts.iter().zip(ids) {
            let found = tokenizer.encode_fast(text.as_str(), true).unwrap();
            if found.get_ids() != ids {
                wrong.push(format!("{name} {text:?}: {:?} is not {ids:?}", found.get_ids()));
            }
        }
    }
    assert!(wrong.is_empty(), "{} differ: {wrong:#?}", wrong.len());
}

/// A copy of one of the golden folders that a test may spoil.
fn copy_of(name: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for file in fs::read_dir(golden().join(name)).unwrap() {
        let path = file.unwrap().path();
        fs::copy(&path, folder.path().join(path.file_name().unwrap())).unwrap();
    }
    folder
}

fn refusal_of(dir: &Path) -> String {
    match open(dir).and_then(|files| files.build()) {
        Ok(_) => panic!("{dir:?} gave a tokenizer"),
        Err(error) => error.to_string(),
    }
}

fn assert_says(message: &str, parts: &[&str]) {
    for part in parts {
        assert!(message.contains(part), "{message:?} does not say {part:?}");
    }
}

#[test]
fn a_folder_without_any_tokenizer_is_told_what_was_looked_for_and_what_to_do() {
    let cases = [
        ("bert", vec!["vocab.txt"]),
        ("roberta", vec!["vocab.json", "merges.txt"]),
        ("xlm-roberta", vec!["sentencepiece.bpe.model"]),
        ("deberta-v2", vec!["spm.model"]),
    ];
    for (name, files) in cases {
        for file in &files {
            let folder = copy_of(name);
            fs::remove_file(folder.path().join(file)).unwrap();
            let message = refusal_of(folder.path());
            assert_says(
                &message,
                &["tokenizer.json", "missing", "python3 -c", "AutoTokenizer"],
            );
            assert_says(&message, &files);
        }
    }
    let folder = copy_of("bert");
    fs::write(
        folder.path().join("config.json"),
        r#"{"model_type": "modernbert"}"#,
    )
    .unwrap();
    assert_says(
        &refusal_of(folder.path()),
        &["tokenizer.json", "modernbert", "AutoTokenizer"],
    );
    fs::write(
        folder.path().join("tokenizer_config.json"),
        r#"{"tokenizer_class": "MarianTokenizer"}"#,
    )
    .unwrap();
    assert_says(&refusal_of(folder.path()), &["MarianTokenizer"]);
}

#[test]
fn spoilt_vocabularies_are_errors_that_name_the_file() {
    let write = |folder: &tempfile::TempDir, file: &str, content: &[u8]| {
        fs::write(folder.path().join(file), content).unwrap();
    };
    let folder = copy_of("bert");
    write(&folder, "vocab.txt", b"[PAD]\n[UNK]\n[SEP]\nerror\n");
    assert_says(&refusal_of(folder.path()), &["vocab.txt", "[CLS]"]);
    write(&folder, "vocab.txt", b"\xff\xfe");
    assert_says(&refusal_of(folder.path()), &["vocab.txt", "utf-8"]);

    let folder = copy_of("roberta");
    write(&folder, "merges.txt", b"#version: 0.2\ne r\ne r o\n");
    assert_says(&refusal_of(folder.path()), &["merges.txt, line 3", "e r o"]);
    write(&folder, "merges.txt", "#version: 0.2\nnever seen\n".as_bytes());
    assert_says(&refusal_of(folder.path()), &["vocab.json", "never"]);
    write(&folder, "vocab.json", b"[1, 2]");
    assert_says(&refusal_of(folder.path()), &["vocab.json"]);

    for (name, file) in [
        ("xlm-roberta", "sentencepiece.bpe.model"),
        ("albert", "spiece.model"),
    ] {
        let folder = copy_of(name);
        let whole = fs::read(folder.path().join(file)).unwrap();
        for content in [&b""[..], b"no protobuf at all", &whole[..whole.len() / 2]] {
            write(&folder, file, content);
            assert_says(&refusal_of(folder.path()), &[file]);
        }
        // Field 2 (trainer), field 3 (type) = 2: another one of the same field wins in a protobuf.
        write(&folder, file, &[&whole[..], &[0x12, 2, 0x18, 2]].concat());
        assert_says(&refusal_of(folder.path()), &[file, "type 2", "unigram"]);
    }

    let folder = copy_of("deberta-v2");
    write(&folder, "added_tokens.json", br#"{"[MASK]": 7}"#);
    assert_says(&refusal_of(folder.path()), &["[MASK]", "7"]);
}

#[test]
fn the_configuration_overrides_a_fast_tokenizer_where_it_says_so() {
    let folder = copy_of("bert");
    let built = open(folder.path()).unwrap().build().unwrap();
    built.save(folder.path().join("tokenizer.json"), false).unwrap();
    let ids = || {
        let files = open(folder.path()).unwrap();
        assert_eq!(files.kind, TokenizerKind::Fast);
        let encoding = files.build().unwrap().encode_fast("Error error", true).unwrap();
        encoding.get_ids().to_vec()
    };
    let lower = ids();
    assert_eq!(lower[1], lower[2]);
    fs::write(
        folder.path().join("tokenizer_config.json"),
        r#"{"do_lower_case": false}"#,
    )
    .unwrap();
    let cased = ids();
    assert_ne!(cased[1], cased[2]);
    assert_eq!(cased[2], lower[2]);
}

#[test]
fn lengths_and_sides_are_read_and_the_hash_sees_every_file() {
    let folder = copy_of("electra");
    let settings = |json: &str| {
        fs::write(folder.path().join("tokenizer_config.json"), json).unwrap();
        open(folder.path()).unwrap()
    };
    assert_eq!(settings("{}").tokens_max(), None);
    assert_eq!(settings(r#"{"model_max_length": 128}"#).tokens_max(), Some(128));
    let unknown =
        settings(r#"{"model_max_length": 1000000000000000019884624838656, "truncation_side": "left"}"#);
    assert_eq!(
        (unknown.tokens_max(), unknown.truncation_side()),
        (None, Some("left"))
    );

    let contents = || {
        open(folder.path())
            .unwrap()
            .contents()
            .map(<[u8]>::to_vec)
            .collect::<Vec<_>>()
    };
    for file in ["vocab.txt", "special_tokens_map.json", "tokenizer_config.json"] {
        let before = contents();
        let path = folder.path().join(file);
        let mut changed = fs::read(&path).unwrap();
        changed.push(b'\n');
        fs::write(path, changed).unwrap();
        assert_ne!(contents(), before, "{file}");
    }
}
