"""Writes a model in the layout that HuggingFace's transformers and Turnstone's engine read."""

import json
from pathlib import Path

from safetensors.torch import save_file

from rule import VERSION

_SPECIAL = {"cls_token": "[CLS]", "mask_token": "[MASK]", "pad_token": "[PAD]", "sep_token": "[SEP]", "unk_token": "[UNK]"}
# Written out even where equal to the library's default, so that other engines need no defaults.
_SAID = ("hidden_act", "layer_norm_eps", "max_position_embeddings", "num_attention_heads", "pad_token_id", "type_vocab_size", "vocab_size", "position_embedding_type")


def write_folder(out: Path, model, tokenizer_json: str) -> None:
    """Writes the folder; weights as f16."""
    out.mkdir(parents=True, exist_ok=True)
    config = model.config
    config.dtype = "float16"
    described = {k: v for k, v in config.to_diff_dict().items() if not k.startswith("_")}
    described |= {key: getattr(config, key) for key in _SAID}
    (out / "config.json").write_text(json.dumps(described, indent=2, sort_keys=True) + "\n")
    (out / "tokenizer.json").write_text(tokenizer_json, encoding="utf-8")
    (out / "special_tokens_map.json").write_text(json.dumps(_SPECIAL, indent=2) + "\n")
    (out / "tokenizer_config.json").write_text(json.dumps({"do_lower_case": True, "model_max_length": 512, "tokenizer_class": "BertTokenizer", **_SPECIAL}, indent=2) + "\n")
    (out / "turnstone.json").write_text(json.dumps({"format": 1, "normalise": "template", "template_version": VERSION}) + "\n")
    tensors = {name: value.detach().half().cpu().contiguous() for name, value in model.state_dict().items() if "position_ids" not in name}
    save_file(tensors, out / "model.safetensors", metadata={"format": "pt"})
    # safetensors creates the file for its owner only; services run as other users.
    (out / "model.safetensors").chmod(0o644)
