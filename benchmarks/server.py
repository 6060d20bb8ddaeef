"""The server: latency, throughput of many clients, a thousand good and hostile uploads; how soon the window stands.

Usage: scripts/bench server [--model M]. The clients run in a process of their own, on the same processors. Processor
time is the server's alone, and tells more than wall time on a busy machine. The page's first paint is measured by
tests/apps/test_page.py.
"""

import argparse
import json
import multiprocessing
import os
import re
import signal
import statistics
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO
from pathlib import Path

import httpx
import numpy as np
from PIL import Image

EXAMPLES = sorted(Path(__file__).parent.parent.glob("examples/*.jpg"))
PATIENCE = 120


class Server:
    """`showtell serve` in a process of its own."""

    def __init__(self, model: str) -> None:
        command = [sys.executable, "-m", "showtell", "serve", "--model", model, "--port", "0"]
        self.process = subprocess.Popen(
            command,
            stderr=subprocess.PIPE,
            text=True,
            env=os.environ | {"SHOWTELL_FEEDBACK": "/dev/shm/bench.sqlite"},
        )
        found = re.search(r"(http://\S+)/#token=(\S+)", self.process.stderr.readline())
        self.url, self.token = found.groups()

    def client(self) -> httpx.Client:
        """A client that brings the token."""
        headers = {"Authorization": f"Bearer {self.token}"}
        return httpx.Client(base_url=self.url, headers=headers, timeout=PATIENCE)

    def megabytes(self) -> float:
        """Its memory."""
        status = Path(f"/proc/{self.process.pid}/status").read_text(encoding="utf-8")
        return int(re.search(r"VmRSS:\s+(\d+)", status)[1]) / 1024

    def seconds(self) -> float:
        """Processor time that it has used."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def stop(self) -> None:
        """End it."""
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(60)


def ask(client: httpx.Client, name: str, content: bytes) -> tuple[int, str | None]:
    """The status, and the caption."""
    answer = client.post("/api/caption", files=[("pictures", (name, content, "image/jpeg"))])
    if answer.status_code != 200:
        return answer.status_code, None
    return 200, answer.json()["results"][0]["captions"][0]["text"]


def expected(server: Server) -> dict[str, str]:
    """What the server says of each example when it is asked alone."""
    with server.client() as client:
        return {path.name: ask(client, path.name, path.read_bytes())[1] for path in EXAMPLES}


def latency(server: Server, count: int) -> list[float]:
    """Seconds of each of so many captions, one after another."""
    pictures = [(path.name, path.read_bytes()) for path in EXAMPLES]
    times = []
    with server.client() as client:
        for number in range(count):
            started = time.perf_counter()
            ask(client, *pictures[number % len(pictures)])
            times.append(time.perf_counter() - started)
    return times


def clients(url: str, token: str, count: int, requests: int, right: dict[str, str], results) -> None:
    """So many clients at once: requests per second, and how many answers were wrong or refused."""
    pictures = [(path.name, path.read_bytes()) for path in EXAMPLES]
    server = Server.__new__(Server)
    server.url, server.token = url, token
    with server.client() as client:

        def one(number: int) -> str:
            name, content = pictures[number % len(pictures)]
            status, caption = ask(client, name, content)
            return "refused" if status != 200 else "right" if caption == right[name] else "wrong"

        started = time.perf_counter()
        with ThreadPoolExecutor(count) as pool:
            said = list(pool.map(one, range(requests)))
        took = time.perf_counter() - started
    results.put((requests / took, said.count("wrong"), said.count("refused")))


def throughput(server: Server, count: int, requests: int, right: dict[str, str]) -> tuple[float, int, int]:
    """`clients` in a process of its own."""
    results = multiprocessing.get_context("spawn").Queue()
    process = multiprocessing.get_context("spawn").Process(
        target=clients, args=(server.url, server.token, count, requests, right, results)
    )
    process.start()
    found = results.get()
    process.join()
    return found


def hostile() -> list[tuple[str, bytes]]:
    """Uploads that should not be."""
    good = EXAMPLES[0].read_bytes()
    bomb = BytesIO()
    Image.fromarray(np.zeros((9500, 9500), np.uint8)).save(bomb, "PNG")  # 90 million pixels
    thin = BytesIO()
    Image.fromarray(np.zeros((1, 60_000), np.uint8)).save(thin, "PNG")
    return [
        ("empty", b""),
        ("text", b"not a picture " * 1000),
        ("cut", good[: len(good) // 2]),
        ("bomb", bomb.getvalue()),
        ("thin", thin.getvalue()),
        ("noise", np.random.default_rng(0).bytes(200_000)),
        ("script", b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>"),
        ("large", good + b"\0" * 21_000_000),
        ("zip", b"PK\x03\x04" + b"\0" * 5000),
        ("../../etc/passwd\r\nX: y", good[:100]),
    ]


def mixed(server: Server, uploads: int, right: dict[str, str]) -> dict[str, int]:
    """So many uploads by 32 clients, every second one hostile: what became of them."""
    good = [(path.name, path.read_bytes()) for path in EXAMPLES]
    bad = hostile()

    with server.client() as client:

        def one(number: int) -> str:
            name, content = good[number % len(good)] if number % 2 == 0 else bad[number // 2 % len(bad)]
            for _ in range(200):
                status, caption = ask(client, name, content)
                if status != 429:
                    break
                time.sleep(0.1)
            if name in right:
                return "good and right" if caption == right[name] else f"good but {status} {caption!r}"
            if status >= 500:
                return f"hostile: {status}"
            return "hostile and captioned" if status == 200 else "hostile and refused"

        with ThreadPoolExecutor(32) as pool:
            said = list(pool.map(one, range(uploads)))
    return {one: said.count(one) for one in sorted(set(said))}


def window() -> float:
    """Seconds until the window of `showtell desktop` is visible."""
    started = time.perf_counter()
    environment = os.environ | {"SHOWTELL_SETTINGS": "/dev/shm/bench.json"}
    process = subprocess.Popen([sys.executable, "-m", "showtell", "desktop"], env=environment)
    subprocess.run(
        ["xdotool", "search", "--sync", "--onlyvisible", "--name", "^Showtell$"],
        check=True,
        stdout=subprocess.DEVNULL,
    )
    took = time.perf_counter() - started
    process.kill()
    process.wait()
    return took


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", default="base")
    parser.add_argument("--requests", type=int, default=300)
    parser.add_argument("--uploads", type=int, default=1000)
    arguments = parser.parse_args()
    print(f"load before: {os.getloadavg()[0]:.1f} on {os.cpu_count()} processors")
    server = Server(arguments.model)
    right = expected(server)
    latency(server, 30)
    times = sorted(latency(server, arguments.requests))
    p95 = times[int(0.95 * len(times))]
    print(f"one caption over HTTP: median {1000 * statistics.median(times):.0f} ms, p95 {1000 * p95:.0f} ms")
    speeds, costs = [], []
    for count, requests in ((1, arguments.requests), (16, 2 * arguments.requests)):
        before = server.seconds()
        speed, wrong, refused = throughput(server, count, requests, right)
        speeds.append(speed)
        costs.append(1000 * (server.seconds() - before) / requests)
        print(
            f"{count} clients: {speed:.1f} captions per second, {costs[-1]:.0f} ms of processor time each, ",
            end="",
        )
        print(f"{wrong} wrong, {refused} refused")
    print(f"16 clients: {speeds[1] / speeds[0]:.2f} times the captions of one")
    mixed(server, arguments.uploads // 2, right)
    warm = server.megabytes()
    print(json.dumps(mixed(server, arguments.uploads, right)))
    after = server.megabytes()
    print(f"memory after a warm-up {warm:.0f} MB, after {arguments.uploads} uploads {after:.0f} MB")
    server.stop()
    print(f"the server ended with {server.process.returncode} and said {server.process.stderr.read()!r}")
    if os.environ.get("DISPLAY"):
        print(f"window visible after {min(window() for _ in range(5)):.2f} s (best of five)")


if __name__ == "__main__":
    main()
