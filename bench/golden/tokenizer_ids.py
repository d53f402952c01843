"""Ids and texts of real tokenizers over a corpus that is meant to break them.

    python bench/golden/tokenizer_ids.py SHARED [FILE]

SHARED is the folder with data/tokenizers. Needs sentencepiece, protobuf and tiktoken besides requirements.txt.
`files`: Transformers (TokenizersBackend, which takes tokenizer.json as it is). `models`: SentencePiece itself, and
tiktoken, from the model file alone. `configs` and `flags`: AutoTokenizer under variants of tokenizer_config.json.
Lists of more than 48 ids are written as a digest of the ids with commas between.
"""

import base64
import hashlib
import json
import os
import shutil
import sys
import tempfile
from pathlib import Path

os.environ["HF_HUB_OFFLINE"] = "1"  # before the imports that read it

import sentencepiece
import tiktoken
import transformers
from transformers import AutoTokenizer, GPT2Tokenizer, PreTrainedTokenizerFast

transformers.logging.set_verbosity_error()

TEXTS = [
    "",
    " ",
    "      ",
    "\n",
    "\r\n\r\n",
    "\t\t \t",
    "Hello, world!",
    " leading",
    "trailing   ",
    "  two  spaces   three",
    "a\u0000b\u0001c\u001f\u007f",
    "\ufeffmarked \ufeff inside",
    "\u200b\u200c\u200d\u2060 \u00a0\u2003\u3000 x",
    "\u202eright to left\u202c",
    "e\u0301 vs \u00e9, o\u0308\u0323, \ufb01\ufb02 \u2460 \u212b \u1e9b\u0323",
    "Z\u0351\u036b\u0343\u036a\u0302\u036b\u033d\u034f\u0334\u0319\u0324\u031e\u0349\u035a\u032f\u031e\u0320\u034dA\u036b",
    "👩\u200d👩\u200d👧\u200d👦 👍🏽 🏳️\u200d🌈 🇩🇪🇯🇵 1️⃣ 🧑🏿\u200d🚀",
    "😀😀😀😀",
    "日本語のテキスト。中文文本，한국어 텍스트 ｶﾀｶﾅ 𠮷野家",
    "نص عربي مع أرقام ١٢٣ وتَشْكِيل",
    "עברית עם ניקוד: שָׁלוֹם",
    "สวัสดีชาวโลก ภาษาไทย",
    "हिन्दी में पाठ க்ஷ ᠮᠣᠩᠭᠣᠯ ꧋",
    "Ελληνικά Кириллица ქართული հայերեն",
    "def f(x):\n\tif x:\n\t\treturn {\n\t\t    'a': x ** 2,  # squared\n\t\t}\n",
    "for (int i = 0; i < n; ++i) { a[i] += b[i]; }\r\n\r\n\r\n",
    "<html>\n  <body>\n    <p class=\"x\">&nbsp;</p>\n  </body>\n</html>",
    "1 12 123 1234 12345 1234567890 3.14159 0xDEADBEEF 1e-9 ½ Ⅷ ²³",
    "it's I'll WE'RE don’t y'all'd've",
    "ALLCAPS camelCase snake_case kebab-case __dunder__",
    "https://example.org/a?b=c&d=%20e#f me@example.org",
    "$$\\sum_{i=1}^{n} x_i^2$$ → ∞ ≠ ±",
    "!!!!!!!!??????......-----=====",
    "x" * 300,
    "Donaudampfschifffahrtsgesellschaftskapitän" * 5,
    "ab " * 100,
    " " * 100 + "x",
    "\n" * 50,
    "▁already ▁ marked▁▁ <0x0A> <0x41>",
    "a ⁇ b \ufffd c \uffff \U0010ffff",
    "<s>Hello </s> x<unk><pad>",
    "<|im_start|>user\nHi<|im_end|>\n",
    "<|begin_of_text|><|start_header_id|>user<|end_header_id|>\n\nHi<|eot_id|>",
    "<bos><start_of_turn>user\nHi<end_of_turn><eos>",
    "<|endoftext|>text<|endoftext|> <|user|> Hi<|end|>",
    "[INST] Hi [/INST] <s>< s></ s>",
    "<|im_start|",
]

FIRST_OF_LLAMA_3 = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*"
    r"|\s*[\r\n]+|\s+(?!\S)|\s+"
)


def written(ids):
    if len(ids) <= 48:
        return ids
    return "sha256 " + hashlib.sha256(",".join(map(str, ids)).encode()).hexdigest()[:32]


def case(tokenizer, text):
    """Only what differs: `around` from `ids`, `text` (no special tokens in it) from `ids`, the decoded from the text."""
    ids = tokenizer.encode(text, add_special_tokens=False)
    around = tokenizer.encode(text)
    start = len(around) - len(ids)
    result = {"ids": written(ids)}
    assert start == 0 or around == around[:start] + ids, "a suffix"
    split = tokenizer.encode(text, add_special_tokens=False, split_special_tokens=True)
    if split != ids:
        result["text"] = written(split)
    for name, skip in (("decoded", False), ("skipped", True)):
        decoded = tokenizer.decode(ids, skip_special_tokens=skip, clean_up_tokenization_spaces=False)
        if decoded != text:
            result[name] = decoded
    return around[:start], result


def of_folder(folder):
    tokenizer = PreTrainedTokenizerFast.from_pretrained(folder)
    tokenizer.backend_tokenizer.no_truncation()
    cases = [case(tokenizer, text) for text in TEXTS]
    assert len({tuple(before) for before, _ in cases}) == 1
    return {"size": len(tokenizer), "before": cases[0][0], "cases": [c for _, c in cases]}


def of_sentencepiece(file):
    processor = sentencepiece.SentencePieceProcessor(model_file=str(file))
    return {
        "size": processor.get_piece_size(),
        "ids": [written(processor.encode(text)) for text in TEXTS],
        "decoded": [processor.decode(processor.encode(text)) for text in TEXTS[:40]],
    }


def of_tiktoken(file):
    lines = Path(file).read_bytes().splitlines()
    ranks = {base64.b64decode(token): int(rank) for token, rank in (line.split() for line in lines)}
    encoding = tiktoken.Encoding("ranks", pat_str=FIRST_OF_LLAMA_3, mergeable_ranks=ranks, special_tokens={})
    return {"size": len(ranks), "ids": [written(encoding.encode_ordinary(text)) for text in TEXTS]}


def of_vocabulary(folder):
    with tempfile.TemporaryDirectory() as made:
        shutil.copy(folder / "tiny_bpe_vocab.json", Path(made) / "vocab.json")
        shutil.copy(folder / "tiny_bpe_merges.txt", Path(made) / "merges.txt")
        tokenizer = GPT2Tokenizer.from_pretrained(made)
        ids = [written(tokenizer.encode(text, add_special_tokens=False)) for text in TEXTS]
        return {"size": len(tokenizer), "ids": ids}


CLASSES = ["LlamaTokenizer", "LlamaTokenizerFast", "GemmaTokenizer", "PreTrainedTokenizerFast", "GPT2Tokenizer"]
FLAGS = [
    {},
    {"add_bos_token": True, "add_eos_token": True},
    {"add_bos_token": True, "add_eos_token": False},
    {"add_bos_token": False, "add_eos_token": False},
]

CONFIGS = [
    {"tokenizer_class": "PreTrainedTokenizerFast", **options}
    for options in (
        {"bos_token": {"__type": "AddedToken", "content": "<s>", "lstrip": False, "rstrip": False, "normalized": False,
                       "single_word": False}, "eos_token": {"content": "</s>", "__type": "AddedToken"}},
        {"additional_special_tokens": ["<tool>", "</tool>"]},
        {"extra_special_tokens": ["<tool>", "</tool>"]},
        {"extra_special_tokens": {"tool_token": "<tool>"}},
        {"tool_token": "<tool>"},
        {"pad_token": "<s>"},
        {"added_tokens_decoder": {
            "512": {"content": "<tool>", "special": True, "normalized": False, "lstrip": False, "rstrip": False,
                    "single_word": False},
            "513": {"content": "</tool>", "special": False, "normalized": False, "lstrip": False, "rstrip": True,
                    "single_word": False}}},
        {"added_tokens_decoder": {}, "eos_token": "<tool>"},
        {"added_tokens_decoder": {
            "1": {"content": "<s>", "special": True, "normalized": False, "lstrip": False, "rstrip": True,
                  "single_word": False},
            "2": {"content": "</s>", "special": False, "normalized": False, "lstrip": True, "rstrip": False,
                  "single_word": False}}},
        {"additional_special_tokens": ["<tool>"], "extra_special_tokens": ["</tool>"]},
    )
]



def of_flags(source, name, config):
    """What goes around a text: with tokenizer.json the flags do not count, with tokenizer.model they do."""
    with tempfile.TemporaryDirectory() as made:
        shutil.copy(source, Path(made) / name)
        (Path(made) / "tokenizer_config.json").write_text(json.dumps(config))
        return {"file": name, "config": config, "around": AutoTokenizer.from_pretrained(made).encode("")}


CONFIG_TEXTS = ["hello", "once <tool>upon</tool>  a time", "<s>a</s>", "b <s> a  </s> c"]


def of_config(source, config, others):
    with tempfile.TemporaryDirectory() as made:
        shutil.copy(source / "tokenizer.json", made)
        for name, content in (("tokenizer_config.json", config), *others.items()):
            (Path(made) / name).write_text(json.dumps(content))
        tokenizer = AutoTokenizer.from_pretrained(made)
        return {
            "config": config,
            "others": others,
            "size": len(tokenizer),
            "bos": tokenizer.bos_token_id if "bos_token" in config else None,
            "eos": tokenizer.eos_token_id if "eos_token" in config else None,
            "ids": [tokenizer.encode(text) for text in CONFIG_TEXTS],
            "skipped": [
                tokenizer.decode(tokenizer.encode(text), skip_special_tokens=True, clean_up_tokenization_spaces=False)
                for text in CONFIG_TEXTS
            ],
        }


def main(shared, file):
    folder = Path(shared) / "data" / "tokenizers"
    found = sorted(p.parent.name for p in folder.glob("*/tokenizer.json"))
    stories = Path(shared) / "models" / "stories260K"
    golden = {
        "texts": TEXTS,
        "files": {name: of_folder(folder / name) for name in found},
        "models": {
            name: of_sentencepiece(folder / name)
            for name in (
                "llama-2-chat/tokenizer.model",
                "mistral-7b-instruct-v0.2/tokenizer.model",
                "torchtune-tiny/m.model",
                "sentencepiece-litert/sentencepiece.model",
            )
        }
        | {
            name: of_tiktoken(folder / name)
            for name in ("llama-3/tokenizer.model", "torchtune-tiny/tiktoken_small.model")
        }
        | {"torchtune-tiny/tiny_bpe_vocab.json": of_vocabulary(folder / "torchtune-tiny")},
        "flags": [
            of_flags(stories / "tokenizer.json", "tokenizer.json", {"tokenizer_class": name, **flags})
            for name in CLASSES
            for flags in FLAGS
        ]
        + [
            of_flags(
                folder / "llama-2-chat" / "tokenizer.model",
                "tokenizer.model",
                {"tokenizer_class": "LlamaTokenizer", "bos_token": "<s>", "eos_token": "</s>", **flags},
            )
            for flags in FLAGS[1:]  # without flags Transformers 5.18 leaves out the BOS, against its documentation
        ],
        "config_texts": CONFIG_TEXTS,
        "configs": [of_config(stories, config, {}) for config in CONFIGS]
        + [
            of_config(stories, {"tokenizer_class": "PreTrainedTokenizerFast"}, others)
            for others in (
                {"added_tokens.json": {"<tool>": 512, "</tool>": 513}},
                {"special_tokens_map.json": {"eos_token": "<tool>", "additional_special_tokens": ["</tool>"]}},
            )
        ],
    }
    Path(file).write_text(json.dumps(golden, ensure_ascii=True, separators=(",", ":"), sort_keys=True) + "\n")


if __name__ == "__main__":
    here = Path(__file__).resolve().parents[2]
    main(sys.argv[1], sys.argv[2] if len(sys.argv) > 2 else here / "library/src/test/resources/golden/tokenizers.json")
