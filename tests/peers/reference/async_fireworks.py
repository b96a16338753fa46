"""The usual small benchmark of a deployment: a thousand short questions, a thousand at a time.

    async_fireworks.py BASE_URL

prints the block of figures that such scripts end with.
"""

import asyncio
import statistics
import sys
import time

from fireworks import AsyncFireworks

REQUESTS = 1000
WORKERS = 1000


async def ask(client, gate):
    async with gate:
        start = time.perf_counter()
        await client.chat.completions.create(
            model="m",
            messages=[{"role": "user", "content": "Hello!"}],
            max_tokens=100,
        )
        return (time.perf_counter() - start) * 1000


async def main(base_url):
    gate = asyncio.Semaphore(WORKERS)
    async with AsyncFireworks(api_key="none", base_url=base_url, max_retries=5) as client:
        start = time.perf_counter()
        latencies = await asyncio.gather(*(ask(client, gate) for _ in range(REQUESTS)))
        seconds = time.perf_counter() - start
    print("=" * 50)
    print(f"Total requests: {REQUESTS}")
    print(f"Total time (seconds): {seconds:.2f}")
    print(f"Throughput (requests/second): {REQUESTS / seconds:.2f}")
    print()
    print("Latency Statistics (ms):")
    print(f"  Min: {min(latencies):.2f}")
    print(f"  Max: {max(latencies):.2f}")
    print(f"  Avg: {statistics.mean(latencies):.2f}")
    print(f"  P50 (median): {statistics.median(latencies):.2f}")
    print(f"  P95: {statistics.quantiles(latencies, n=20)[18]:.2f}")
    print(f"  P99: {statistics.quantiles(latencies, n=100)[98]:.2f}")
    print("=" * 50)


asyncio.run(main(sys.argv[1]))
