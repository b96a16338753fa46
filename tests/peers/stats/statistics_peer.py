"""Python's statistics module, summarising the samples in a file.

    statistics_peer.py FILE REPETITIONS

prints one line of JSON: how many seconds mean, standard deviation and seven quantiles took, each
time. FILE holds little-endian 64-bit floats; reading it is not counted.
"""

import array
import json
import statistics
import sys
import time


def summary(samples):
    # 0.01, 0.25, 0.5, 0.75, 0.9, 0.99 and 0.999 are all cuts into a thousand parts.
    cuts = statistics.quantiles(samples, n=1000, method="inclusive")
    quantiles = [cuts[i - 1] for i in (10, 250, 500, 750, 900, 990, 999)]
    mean = statistics.fmean(samples)
    return mean, statistics.stdev(samples, mean), quantiles


def main():
    file, repetitions = sys.argv[1], int(sys.argv[2])
    samples = array.array("d")
    with open(file, "rb") as source:
        samples.frombytes(source.read())
    if sys.byteorder == "big":
        samples.byteswap()
    samples = samples.tolist()
    seconds = []
    for _ in range(repetitions):
        start = time.perf_counter()
        summary(samples)
        seconds.append(time.perf_counter() - start)
    work = f"summary of {len(samples)} samples"
    print(json.dumps({"work": work, "who": "Python statistics", "seconds": seconds}))


main()
