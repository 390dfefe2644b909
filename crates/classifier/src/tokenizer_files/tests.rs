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
