"""Reads chat streams with nothing but Python's own library, and times them.

    plain_client.py URL REQUESTS CONCURRENCY MAX_TOKENS

prints one line of JSON: the median times, in milliseconds, to the first token and for each further one.
"""

import http.client
import itertools
import json
import statistics
import sys
import threading
import time
from urllib.parse import urlsplit


def read_stream(connection, path, body):
    """The times of a stream, in seconds: to its first content, and from there for each token."""
    start = time.perf_counter()
    connection.request("POST", path, body, {"content-type": "application/json"})
    response = connection.getresponse()
    if response.status != 200:
        raise SystemExit(f"the endpoint answered {response.status}")
    first = last = tokens = None
    for line in response:
        now = time.perf_counter()
        if not line.startswith(b"data: ") or line.startswith(b"data: [DONE]"):
            continue
        event = json.loads(line[6:])
        tokens = (event.get("usage") or {}).get("completion_tokens", tokens)
        if any(choice["delta"].get("content") for choice in event["choices"]):
            first = first or now
            last = now
    return first - start, (last - first) / (tokens - 1)


def main(url, requests, concurrency, max_tokens):
    target = urlsplit(url)
    body = json.dumps({
        "model": "m",
        "messages": [{"role": "user", "content": "Hello!"}],
        "max_tokens": max_tokens,
        "stream": True,
        "stream_options": {"include_usage": True},
    }).encode()
    left = itertools.count()
    times = []

    def work():
        connection = http.client.HTTPConnection(target.netloc)
        while next(left) < requests:
            times.append(read_stream(connection, f"{target.path}/chat/completions", body))
        connection.close()

    workers = [threading.Thread(target=work) for _ in range(concurrency)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    if len(times) != requests:
        raise SystemExit(f"{len(times)} of {requests} streams were read")
    ttft, tpot = (statistics.median(column) * 1000 for column in zip(*times))
    print(json.dumps({"ttft_ms": ttft, "tpot_ms": tpot}))


main(sys.argv[1], *map(int, sys.argv[2:]))
