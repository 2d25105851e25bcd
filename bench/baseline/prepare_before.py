"""Not a stage of the pipeline: cuts all batches before N at once, with the result of N-1 runs."""

import subprocess
import sys

import pandas as pd

from common import BATCHES, RAW, batch_number, params

before = batch_number() - 1
if not RAW.exists():
    subprocess.run([sys.executable, "get_data.py"], check=True)
size = params()["data"]["batch_size"]
frame = pd.read_csv(RAW)
BATCHES.mkdir(parents=True, exist_ok=True)
for batch in range(1, before + 1):
    path = BATCHES / f"batch_{batch}.csv"
    if not path.exists():
        frame.iloc[(batch - 1) * size : batch * size].to_csv(path, index=False)
