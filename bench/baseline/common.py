"""The folders of the scripts' files, and their params. Each script runs in its own process."""

import sys
from pathlib import Path

import yaml

RAW = Path("data/raw/raw.csv")
BATCHES = Path("data/batches")
MERGED = Path("data/merged")
PROCESSED = Path("data/processed")
MODELS = Path("models")
METRICS = Path("metrics")


def params() -> dict:
    return yaml.safe_load(Path("params.yaml").read_text())


def batch_number() -> int:
    if len(sys.argv) != 2 or not sys.argv[1].isdigit() or int(sys.argv[1]) < 1:
        sys.exit(f"usage: {sys.argv[0]} N")
    return int(sys.argv[1])
