#!/usr/bin/env bash
# Runs the scripts, DVC and MLflow in a shell loop. PYTHON is an interpreter with dvc in the same folder.
set -euo pipefail
batch=$1
dvc="$(dirname "$PYTHON")/dvc"
[ -e data/raw/raw.csv ] || "$PYTHON" get_data.py
for step in prepare_batch merge_data preprocess train evaluate; do
  "$PYTHON" "$step.py" "$batch"
done
"$dvc" add --quiet data/raw/raw.csv "data/batches/batch_$batch.csv" "data/merged/merged_$batch.csv" \
  "data/processed/train_$batch.csv" "data/processed/test_$batch.csv" "models/model_$batch.joblib" \
  "metrics/batch_$batch.json"
"$dvc" push --quiet
