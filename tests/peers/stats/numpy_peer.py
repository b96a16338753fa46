"""numpy, summarising the samples in a file.

    numpy_peer.py FILE REPETITIONS

prints one line of JSON: how many seconds mean, standard deviation and seven quantiles took, each
time. FILE holds little-endian 64-bit floats; reading it is not counted.
"""

import json
import sys
import time

import numpy

QUANTILES = [0.01, 0.25, 0.5, 0.75, 0.9, 0.99, 0.999]


def summary(samples):
    return samples.mean(), samples.std(ddof=1), numpy.quantile(samples, QUANTILES)


def main():
    file, repetitions = sys.argv[1], int(sys.argv[2])
    samples = numpy.fromfile(file, dtype="<f8")
    seconds = []
    for _ in range(repetitions):
        start = time.perf_counter()
        summary(samples)
        seconds.append(time.perf_counter() - start)
    work = f"summary of {len(samples)} samples"
    print(json.dumps({"work": work, "who": "numpy", "seconds": seconds}))


main()
