"""Python's statistics module, summarising the samples in a file.

    statistics_peer.py FILE

says who it is once it has read FILE, little-endian 64-bit floats. For each line of the input it
takes mean, standard deviation and seven quantiles, and prints how many seconds that took.
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
    file = sys.argv[1]
    samples = array.array("d")
    with open(file, "rb") as source:
        samples.frombytes(source.read())
    if sys.byteorder == "big":
        samples.byteswap()
    samples = samples.tolist()
    print(json.dumps({"who": "Python statistics"}), flush=True)
    for _ in sys.stdin:
        start = time.perf_counter()
        summary(samples)
        print(json.dumps({"seconds": time.perf_counter() - start}), flush=True)


main()
