"""Measures how long pandas takes to read a CSV and to write it as Feather, in its own process, on one thread."""

import json
import os
import resource
import sys
import time

import pandas


def cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


job = json.loads(sys.argv[1])
walls, cpus = [time.perf_counter()], [cpu()]
frame = pandas.read_csv(job["file"])
walls.append(time.perf_counter())
cpus.append(cpu())
frame.to_feather(job["file"] + ".feather", compression="uncompressed")
walls.append(time.perf_counter())
cpus.append(cpu())
os.remove(job["file"] + ".feather")
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e6
print(
    json.dumps(
        {
            "read": {"wall": walls[1] - walls[0], "cpu": cpus[1] - cpus[0], "peak": peak},
            "read, to_feather": {"wall": walls[2] - walls[0], "cpu": cpus[2] - cpus[0], "peak": peak},
        }
    )
)
