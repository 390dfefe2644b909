"""What customers do: visits and orders. The web server, orders, payments and the mailer all log these."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from datetime import datetime

from .story import BEGIN, CRASH_LOOP, DATABASE_DOWN, DISK_ERRORS, END, POOL_EXHAUSTED, SWITCHED, pressure, seconds

BROWSERS = [
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36",
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.6 Safari/605.1.15",
    "Mozilla/5.0 (X11; Linux x86_64; rv:144.0) Gecko/20100101 Firefox/144.0",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_6 like Mac OS X) AppleWebKit/605.1.15 Version/18.6 Mobile/15E148 Safari/604.1",
    "Mozilla/5.0 (Linux; Android 15; Pixel 9) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Mobile Safari/537.36",
]
CATEGORIES = ["lanterns", "rope", "charts", "compasses", "oilskins", "anchors"]


@dataclass
class Request:
    """One request as the web server saw it. `fault` says how the upstream failed it, if it did."""

    when: datetime
    method: str
    path: str
    status: int
    size: int
    referer: str
    fault: str = ""


@dataclass
class Order:
    """An order as it was tried: `fate` is placed, slow, pool or refused."""

    when: datetime
    number: int
    customer: int
    items: int
    total: str
    reservation: str
    payment: str
    fate: str


@dataclass
class Visit:
    """One customer's walk through the shop."""

    address: str
    agent: str
    requests: list = field(default_factory=list)


def _outcome(when: datetime, rng: random.Random, needs_database: bool) -> tuple:
    """Status and fault of one request at this moment."""
    if not needs_database or rng.random() > pressure(when):
        return 200, ""
    if when < POOL_EXHAUSTED:
        return (504, "timeout") if rng.random() < 0.4 else (200, "")
    if when < CRASH_LOOP:
        return rng.choice([(504, "timeout"), (504, "timeout"), (499, ""), (500, "pool")])
    if when < DATABASE_DOWN:
        return rng.choice([(502, "refused"), (502, "reset"), (504, "timeout"), (503, "none")])
    if when < SWITCHED:
        return rng.choice([(502, "refused"), (503, "none"), (503, "none")])
    return 200, ""


def _order_fate(when: datetime, status: int) -> str:
    if status == 201:
        return "slow" if DISK_ERRORS < when < POOL_EXHAUSTED else "placed"
    if status in (500, 504, 499):
        return "pool" if when > POOL_EXHAUSTED else "slow"
    return "refused"


def visits_and_orders(seed: int) -> tuple:
    """All visits of the day, and all orders by time."""
    rng = random.Random(f"{seed}/shop")
    visits, orders, number = [], [], 730_100
    when = BEGIN
    while when < END:
        when += seconds(rng.expovariate(1 / 92))
        visit = Visit(
            f"{rng.choice(['192.0.2', '198.51.100', '203.0.113'])}.{rng.randrange(2, 200)}", rng.choice(BROWSERS)
        )
        clock, referer, bad = when, "-", 0
        category, product = rng.choice(CATEGORIES), rng.randrange(1000, 1900)
        steps = [
            ("GET", "/"),
            ("GET", f"/category/{category}"),
            ("GET", f"/static/img/{category}-{rng.randrange(9)}.webp"),
            ("GET", f"/products/{product}"),
        ]
        if rng.random() < 0.6:
            steps += [("GET", f"/api/stock/{product}"), ("POST", "/api/cart"), ("GET", "/cart")]
            if rng.random() < 0.72:
                steps += [("GET", "/checkout"), ("POST", "/api/orders"), ("GET", "/checkout/thanks")]
        for method, path in steps:
            clock += seconds(rng.uniform(0.3, 2) if "static" in path else rng.uniform(2, 19))
            dynamic = "static" not in path and path != "/"
            status, fault = _outcome(clock, rng, dynamic)
            size = rng.randrange(900, 48_000)
            if status >= 499:
                size = {499: 0, 500: 178, 502: 552, 503: 592, 504: 562}[status]
            elif method == "POST":
                status, size = 201, rng.randrange(180, 420)
            elif "static" in path and rng.random() < 0.5:
                status, size = 304, 0
            visit.requests.append(Request(clock, method, path, status, size, referer, fault))
            if path == "/api/orders":
                number += rng.randrange(1, 4)
                orders.append(
                    Order(
                        clock,
                        number,
                        rng.randrange(20_000, 99_000),
                        rng.randrange(1, 6),
                        f"{rng.randrange(9, 240)}.{rng.choice(['00', '50', '90', '95'])}",
                        f"r-{rng.getrandbits(24):06x}",
                        f"pay_{rng.getrandbits(48):012x}",
                        _order_fate(clock, status),
                    )
                )
            if method == "GET" and "static" not in path and "api" not in path:
                referer = f"https://shop.harbour.example{path}"
            bad += status >= 499
            if bad and rng.random() < 0.55:
                break  # the customer gives up
        visits.append(visit)
    for index in range(11):  # customers who had filled their carts and now press the button again and again
        visit = Visit(f"198.51.100.{rng.randrange(2, 200)}", rng.choice(BROWSERS))
        clock = DISK_ERRORS + seconds(180 + 70 * index)
        for _ in range(rng.randrange(1, 3)):
            clock += seconds(rng.uniform(31, 44))
            number += rng.randrange(1, 4)
            status, fault = rng.choice([(504, "timeout"), (500, "pool")])
            visit.requests.append(
                Request(
                    clock,
                    "POST",
                    "/api/orders",
                    status,
                    {500: 178, 504: 562}[status],
                    "https://shop.harbour.example/checkout",
                    fault,
                )
            )
            orders.append(
                Order(
                    clock,
                    number,
                    rng.randrange(20_000, 99_000),
                    rng.randrange(1, 6),
                    "84.90",
                    f"r-{rng.getrandbits(24):06x}",
                    f"pay_{rng.getrandbits(48):012x}",
                    "pool",
                )
            )
        visits.append(visit)
    return visits, sorted(orders, key=lambda order: order.when)
