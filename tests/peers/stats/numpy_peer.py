"""numpy, summarising the samples in a file.

    numpy_peer.py FILE

says who it is once it has read FILE, little-endian 64-bit floats. For each line of the input it
takes mean, standard deviation and seven quantiles, and prints how many seconds that took.
"""

import json
import sys
import time

import numpy

QUANTILES = [0.01, 0.25, 0.5, 0.75, 0.9, 0.99, 0.999]


def summary(samples):
    return samples.mean(), samples.std(ddof=1), numpy.quantile(samples, QUANTILES)


def main():
    file = sys.argv[1]
    samples = numpy.fromfile(file, dtype="<f8")
    print(json.dumps({"who": "numpy"}), flush=True)
    for _ in sys.stdin:
        start = time.perf_counter()
        summary(samples)
        print(json.dumps({"seconds": time.perf_counter() - start}), flush=True)


main()
