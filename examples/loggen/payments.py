"""The payments service (Go, JSON lines, two panics) and the mailer (Python, one traceback a failure)."""

from __future__ import annotations

import json

from .shop import visits_and_orders
from .story import CRASH_LOOP, DATABASE_DOWN, POOL_EXHAUSTED, PROMOTED, SWITCHED, Log, millis, seconds

_PANIC = """\
panic: runtime error: invalid memory address or nil pointer dereference
[signal SIGSEGV: segmentation violation code=0x1 addr=0x18 pc=0x7d1a2f]

goroutine {goroutine} [running]:
harbour.example/payments/internal/ledger.(*Tx).Commit(0x0)
	/src/internal/ledger/tx.go:88 +0x2f
harbour.example/payments/internal/capture.(*Worker).settle(0xc0003{a}, {{0xc0007{b}, 0x1a}})
	/src/internal/capture/worker.go:141 +0x3c5
harbour.example/payments/internal/capture.(*Worker).Run(0xc0003{a}, {{0xd3c1e8, 0xc000112730}})
	/src/internal/capture/worker.go:63 +0x1b2
created by main.main in goroutine 1
	/src/cmd/payments/main.go:97 +0x4d8"""

_TRACEBACK = """\
Traceback (most recent call last):
  File "/app/mailer/worker.py", line 131, in handle
    order = self.orders.fetch(message.order_id)
  File "/app/mailer/orders.py", line 48, in fetch
    cursor.execute(FETCH_ORDER, (order_id,))
  File "/usr/local/lib/python3.12/site-packages/psycopg/cursor.py", line 97, in execute
    raise ex.with_traceback(None)
psycopg.OperationalError: {reason}"""


def payments(seed: int) -> Log:
    """JSON lines of the payments service; the runtime's panics stand between them as plain text."""
    log = Log("payments.jsonl", seed)
    rng = log.rng
    panics = [CRASH_LOOP + seconds(75), CRASH_LOOP + seconds(322)]

    def write(when, level, text, label="NORMAL", **fields):
        stamp = f"{when.strftime('%Y-%m-%dT%H:%M:%S')}.{millis(when)}Z"
        log.add(when, json.dumps({"time": stamp, "level": level, "msg": text, **fields}, separators=(",", ":")), label)

    _, orders = visits_and_orders(seed)
    for order in orders:
        trace = log.hex(16)
        if order.fate not in ("placed", "slow"):
            continue
        cents = round(float(order.total) * 100)
        write(
            order.when + seconds(0.1),
            "INFO",
            "authorisation requested",
            payment=order.payment,
            order=order.number,
            amount=cents,
            currency="EUR",
            trace=trace,
        )
        write(
            order.when + seconds(0.3),
            "INFO",
            "authorised",
            payment=order.payment,
            acquirer=rng.choice(["meridian", "quay"]),
            duration_ms=rng.randrange(90, 340),
            trace=trace,
        )
        write(
            order.when + seconds(rng.uniform(20, 70)),
            "INFO",
            "captured",
            payment=order.payment,
            amount=cents,
            trace=trace,
        )
    for when in log.every(60, 3):
        if not DATABASE_DOWN < when < SWITCHED:
            write(when, "INFO", "ledger balanced", accounts=412, duration_ms=rng.randrange(11, 49))
    for when in log.every(300, 40):
        write(
            when, "DEBUG", "acquirer heartbeat", acquirer=rng.choice(["meridian", "quay"]), rtt_ms=rng.randrange(18, 44)
        )
    for when in log.every(900, 200):
        write(
            when,
            "WARN",
            "card declined by issuer",
            payment=f"pay_{log.hex(12)}",
            code="51",
            reason="insufficient funds",
        )
    for when in log.every(50, 14, POOL_EXHAUSTED, CRASH_LOOP):
        write(
            when,
            "ERROR",
            "settle payment failed",
            "PERFORMANCE_ISSUE",
            payment=f"pay_{log.hex(12)}",
            attempt=rng.randrange(1, 4),
            err="begin tx: context deadline exceeded after 5s",
            component="ledger",
        )
    for when in log.every(75, 14, DATABASE_DOWN, PROMOTED):
        write(
            when,
            "ERROR",
            "ledger unavailable",
            "NETWORK_ANOMALY",
            attempt=rng.randrange(3, 40),
            err="dial tcp 10.20.4.21:5432: connect: connection refused",
            retry_in_ms=rng.randrange(900, 30_000),
        )
    for index, when in enumerate(panics):
        log.add(when, _PANIC.format(goroutine=rng.randrange(2000, 9000), a=log.hex(5), b=log.hex(5)), "SYSTEM_FAILURE")
        write(when + seconds(12 * (index + 1)), "INFO", "starting", version="2.31.0", go="go1.25.4", listen=":9443")
        write(
            when + seconds(12 * (index + 1) + 0.4), "WARN", "recovered unfinished captures", count=rng.randrange(2, 9)
        )
    write(SWITCHED + seconds(3), "INFO", "ledger available", primary="db2.harbour.internal:5432", downtime_s=1019)
    return log


def mailer(seed: int) -> Log:
    """The mailer: a receipt for each order, retries while the database is away."""
    log = Log("mailer.log", seed)
    rng = log.rng

    def write(when, level, name, text, label="NORMAL"):
        log.add(when, f"{when.strftime('%Y-%m-%d %H:%M:%S')},{millis(when)} {level} {name}: {text}", label)

    _, orders = visits_and_orders(seed)
    for order in orders:
        if order.fate not in ("placed", "slow"):
            continue
        when, message = order.when + seconds(rng.uniform(1, 6)), log.hex(10)
        write(when, "INFO", "mailer.worker", f"message {message} received: receipt for order {order.number}")
        if POOL_EXHAUSTED < when < SWITCHED:
            write(
                when + seconds(10),
                "ERROR",
                "mailer.worker",
                f"message {message} failed, will retry\n" + _TRACEBACK.format(reason="connection timeout expired"),
                "NETWORK_ANOMALY",
            )
            when = SWITCHED + seconds(rng.uniform(20, 200))
        write(
            when + seconds(0.8),
            "INFO",
            "mailer.render",
            f"message {message} rendered with template receipt-v7 in {rng.randrange(12, 40)} ms",
        )
        write(
            when + seconds(1.5),
            "INFO",
            "mailer.smtp",
            f"message {message} accepted by mx.harbour.example: 250 2.0.0 Ok: queued as {log.hex(10).upper()}",
        )
    for when in log.every(420, 30):
        write(
            when,
            "INFO",
            "mailer.scheduler",
            f"queue depth {rng.randrange(0, 3)}, oldest message {rng.randrange(0, 4)} s",
        )
    for when in log.every(100, 20, DATABASE_DOWN, PROMOTED):
        write(
            when,
            "ERROR",
            "mailer.worker",
            f"message {log.hex(10)} failed, will retry\n"
            + _TRACEBACK.format(
                reason='connection failed: connection to server at "10.20.4.21", port 5432 failed: Connection refused'
            ),
            "NETWORK_ANOMALY",
        )
    for offset, depth in ((0, 118), (210, 342), (600, 617)):
        write(
            POOL_EXHAUSTED + seconds(400 + offset),
            "WARNING",
            "mailer.scheduler",
            f"queue depth {depth}, oldest message {400 + offset} s, over the limit of 120 s",
            "PERFORMANCE_ISSUE",
        )
    return log
