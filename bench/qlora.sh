#!/usr/bin/env bash
# Memory and speed of LoRA and QLoRA on a model of a given shape with random weights.
#
# usage: bench/qlora.sh CONFIG_DIR WORK_DIR [STEPS]
#   CONFIG_DIR  a folder with config.json and a tokenizer (of a Llama: the weights are made here)
#   WORK_DIR    where the model goes (twice its size in 16 bits) and stays for the next time
#
# Prints for each way of training the seconds of its steps, its peak memory, and what was planned;
# then tokens/s of generation from 4-bit codes, beside what the machine reads from memory.
#
# For the fastest products, leave OPENBLAS_CORETYPE and OPENBLAS_L2_SIZE unset.
set -euo pipefail
home=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
config=$1 work=$2 steps=${3:-3}
graft=$home/graft
mkdir -p "$work"

"$graft" doctor --json | tr ',' '\n' | grep -E 'gemm_gflops|memory_gb_per_second'
[[ -e $work/base/config.json ]] || "$graft" init --config "$config" --output "$work/base" --dtype bfloat16
[[ -e $work/nf4/config.json ]] || "$graft" quantize --model "$work/base" --output "$work/nf4"
[[ -e $work/data.jsonl ]] || for i in $(seq 64); do
    printf '{"text": "%s"}\n' "$(for k in $(seq 400); do printf 'the number %d of %d; ' $((i * k)) "$k"; done)"
done >"$work/data.jsonl"

# Progress is of no interest here, unless it ends in an error.
loud() {
    "$@" 2>"$work/errors.txt" || { tail -n 3 "$work/errors.txt" >&2; exit 1; }
}

train() {
    local name=$1
    shift
    rm -rf "$work/out"
    echo "== $name"
    loud "$graft" train --dataset "$work/data.jsonl" --max-length 512 --per-device-train-batch-size 1 \
        --lora-r 16 --lora-alpha 32 --max-steps "$steps" --save-strategy no --logging-steps 1 \
        --output-dir "$work/out" --json "$@" >"$work/events.jsonl"
    grep '"event":"step"' "$work/events.jsonl" | sed -E 's/.*"step":([0-9]+),.*"loss":([0-9.]+),.*"tokens":([0-9]+).*"tokens_per_second":([0-9.]+),"peak_memory_bytes":([0-9]+).*/step \1: loss \2, \3 tokens, \4 tokens\/s, peak \5 bytes/'
    grep '"event":"measured"' "$work/events.jsonl" || true
}

train "LoRA, base in 16 bits in memory" --model-name-or-path "$work/base" --base-residency ram
train "QLoRA, codes in memory" --model-name-or-path "$work/base" --load-in-4bit --gradient-checkpointing none
train "QLoRA, codes in memory, layers computed again" --model-name-or-path "$work/base" --load-in-4bit \
    --gradient-checkpointing layer
train "QLoRA, codes in their file, layers computed again" --model-name-or-path "$work/nf4" --base-residency mapped \
    --gradient-checkpointing layer

echo "== generation from codes"
loud "$graft" generate --model "$work/nf4" --prompt "the number" --max-new-tokens 128 --json |
    sed -E 's/.*"tokens":([0-9]+).*"decode_tokens_per_second":([0-9.]+).*/\1 tokens, all but the first at \2 tokens\/s/'
