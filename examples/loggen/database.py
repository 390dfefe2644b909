"""Postgres on db1, the primary that loses its disk, and on db2, the standby that takes over."""

from __future__ import annotations

from .story import (
    DATABASE_DOWN,
    DISK_ERRORS,
    DISK_TIMEOUTS,
    END,
    FAILED_SWITCH,
    POOL_EXHAUSTED,
    PROMOTED,
    SWITCHED,
    Log,
    at,
    millis,
    pressure,
    seconds,
)

CLIENTS = {
    "orders": ("10.20.3.11", "orders-service"),
    "payments": ("10.20.3.14", "payments"),
    "mailer": ("10.20.3.17", "mailer"),
    "catalogue": ("10.20.3.12", "catalogue"),
}
QUERIES = [
    "SELECT id, sku, expires_at FROM reservations WHERE order_id = $1 FOR UPDATE",
    "INSERT INTO reservations (id, order_id, sku, expires_at) VALUES ($1, $2, $3, $4)",
    "UPDATE stock SET available = available - $1 WHERE sku = $2",
    "SELECT count(*) FROM orders WHERE placed_at > now() - interval '1 hour'",
]


class _Server:
    """Writes lines with the prefix `%m [%p] %q%u@%d `."""

    def __init__(self, log: Log):
        self.log = log

    def line(self, when, pid, level, text, label="NORMAL", user=None):
        who = f"{user}@{user} " if user else ""
        self.log.add(
            when, f"{when.strftime('%Y-%m-%d %H:%M:%S')}.{millis(when)} UTC [{pid}] {who}{level}:  {text}", label
        )

    def checkpoints(self, pid, begin, end, slow=lambda when: False):
        rng = self.log.rng
        for when in self.log.every(300, 0.02, begin, end):
            self.line(when, pid, "LOG", "checkpoint starting: time")
            buffers, is_slow = rng.randrange(180, 1900), slow(when)
            sync = rng.uniform(31, 94) if is_slow else rng.uniform(0.004, 0.041)
            write = rng.uniform(140, 200) if is_slow else buffers / 10.2
            self.line(
                when + seconds(write + sync),
                pid,
                "LOG",
                f"checkpoint complete: wrote {buffers} buffers ({buffers / 163.84:.1f}%); 0 WAL file(s) added, 0 removed, "
                f"{rng.randrange(0, 3)} recycled; write={write:.3f} s, sync={sync:.3f} s, total={write + sync + 0.02:.3f} s; "
                f"sync files={rng.randrange(20, 90)}, longest={sync / 2:.3f} s, average={sync / 40:.3f} s; "
                f"distance={rng.randrange(2000, 17_000)} kB, estimate={rng.randrange(17_000, 22_000)} kB",
                "PERFORMANCE_ISSUE" if is_slow else "NORMAL",
            )

    def sessions(self, begin, end, every):
        rng = self.log.rng
        for when in self.log.every(every, every / 3, begin, end):
            user, (host, name) = rng.choice(sorted(CLIENTS.items()))
            pid, port, lasted = rng.randrange(2300, 31_000), rng.randrange(33_000, 60_900), rng.uniform(40, 1700)
            self.line(when, pid, "LOG", f"connection received: host={host} port={port}")
            self.line(
                when + seconds(0.004),
                pid,
                "LOG",
                f"connection authorized: user={user} database={user} application_name={name} "
                "SSL enabled (protocol=TLSv1.3, cipher=TLS_AES_256_GCM_SHA384, bits=256)",
                user=user,
            )
            if when + seconds(lasted) < end:
                minutes, rest = divmod(lasted, 60)
                self.line(
                    when + seconds(lasted),
                    pid,
                    "LOG",
                    f"disconnection: session time: 0:{int(minutes):02d}:{rest:06.3f} "
                    f"user={user} database={user} host={host} port={port}",
                    user=user,
                )

    def vacuums(self, begin, end, every=700):
        rng = self.log.rng
        for when in self.log.every(every, every / 4, begin, end):
            table, pages = (
                rng.choice(["orders.public.reservations", "orders.public.outbox", "payments.public.captures"]),
                rng.randrange(90, 900),
            )
            self.line(
                when,
                rng.randrange(2300, 31_000),
                "LOG",
                f'automatic vacuum of table "{table}": index scans: 1\n'
                f"\tpages: 0 removed, {pages} remain, {pages} scanned (100.00% of total)\n"
                f"\ttuples: {rng.randrange(300, 5000)} removed, {rng.randrange(9000, 60_000)} remain, 0 are dead but not yet removable\n"
                f"\tsystem usage: CPU: user: 0.0{rng.randrange(1, 9)} s, system: 0.01 s, elapsed: 0.{rng.randrange(11, 88)} s",
            )


def primary(seed: int) -> Log:
    """db1: routine until the disk fails, then slow, then read errors, then a panic that it does not come back from."""
    log = Log("db1-postgresql.log", seed)
    server, rng = _Server(log), log.rng
    server.checkpoints(1190, at("08:00"), DATABASE_DOWN - seconds(300), lambda when: when > DISK_TIMEOUTS - seconds(60))
    server.sessions(at("08:00"), POOL_EXHAUSTED, 70)
    server.vacuums(at("08:00"), DISK_ERRORS)
    for when in log.every(37, 11, DISK_TIMEOUTS + seconds(40), DATABASE_DOWN - seconds(20)):
        took = rng.uniform(900, 4000) + 26_000 * pressure(when)
        server.line(
            when,
            rng.randrange(2300, 31_000),
            "LOG",
            f"duration: {took:.3f} ms  execute <unnamed>: {rng.choice(QUERIES)}",
            "PERFORMANCE_ISSUE",
            user="orders",
        )
    for when in log.every(95, 30, DISK_ERRORS + seconds(120), DATABASE_DOWN - seconds(20)):
        pid = rng.randrange(2300, 31_000)
        server.line(
            when, pid, "ERROR", "canceling statement due to statement timeout", "PERFORMANCE_ISSUE", user="orders"
        )
        server.line(when, pid, "STATEMENT", rng.choice(QUERIES), None, user="orders")
    for when in log.every(150, 40, DISK_ERRORS, DATABASE_DOWN):
        pid = rng.randrange(2300, 31_000)
        server.line(
            when,
            pid,
            "ERROR",
            f'could not read block {rng.randrange(9000, 30_000)} in file "base/16384/{rng.randrange(24_600, 24_699)}": '
            "Input/output error",
            "HARDWARE_ISSUE",
            user="orders",
        )
        server.line(when, pid, "STATEMENT", QUERIES[0], None, user="orders")
    for when in log.every(45, 12, POOL_EXHAUSTED + seconds(90), DATABASE_DOWN - seconds(5)):
        user = rng.choice(["orders", "payments", "mailer", "catalogue"])
        server.line(
            when,
            rng.randrange(2300, 31_000),
            "FATAL",
            "sorry, too many clients already",
            "PERFORMANCE_ISSUE",
            user=user,
        )
    for offset in (200, 430, 790):
        pid, other = rng.randrange(2300, 31_000), rng.randrange(2300, 31_000)
        server.line(
            DISK_ERRORS + seconds(offset),
            pid,
            "LOG",
            f"process {pid} still waiting for ShareLock on transaction {rng.randrange(91_000_000, 91_900_000)} "
            f"after 1000.{rng.randrange(100, 999)} ms\n\tDetail: Process holding the lock: {other}. Wait queue: {pid}.",
            "PERFORMANCE_ISSUE",
            user="orders",
        )
    down = DATABASE_DOWN
    server.line(
        down, 1192, "PANIC", 'could not fdatasync file "000000030000004D000000A7": Input/output error', "HARDWARE_ISSUE"
    )
    server.line(
        down + seconds(1.9),
        1187,
        "LOG",
        "WAL writer process (PID 1192) was terminated by signal 6: Aborted",
        "SYSTEM_FAILURE",
    )
    server.line(down + seconds(1.9), 1187, "LOG", "terminating any other active server processes", "SYSTEM_FAILURE")
    server.line(down + seconds(2.6), 1187, "LOG", "all server processes terminated; reinitializing", "SYSTEM_FAILURE")
    server.line(
        down + seconds(3.1),
        28814,
        "LOG",
        f"database system was interrupted; last known up at {at('09:46:02'):%Y-%m-%d %H:%M:%S} UTC",
        "SYSTEM_FAILURE",
    )
    server.line(
        down + seconds(3.4),
        28814,
        "FATAL",
        'could not open file "base/16384/PG_VERSION": Read-only file system',
        "HARDWARE_ISSUE",
    )
    server.line(
        down + seconds(3.5), 1187, "LOG", "startup process (PID 28814) exited with exit code 1", "SYSTEM_FAILURE"
    )
    server.line(down + seconds(3.5), 1187, "LOG", "aborting startup due to startup process failure", "SYSTEM_FAILURE")
    server.line(down + seconds(3.6), 1187, "LOG", "database system is shut down")
    return log


def standby(seed: int) -> Log:
    """db2: follows, loses its primary, is promoted at the second try, and serves."""
    log = Log("db2-postgresql.log", seed)
    server, rng = _Server(log), log.rng
    for when in log.every(420, 0.02, at("08:00"), DATABASE_DOWN):
        server.line(when, 1204, "LOG", "restartpoint starting: time")
        server.line(
            when + seconds(rng.uniform(20, 160)),
            1204,
            "LOG",
            f"restartpoint complete: wrote {rng.randrange(180, 1900)} buffers "
            f"({rng.uniform(1, 11):.1f}%); 0 WAL file(s) added, 0 removed, 1 recycled; write={rng.uniform(20, 160):.3f} s, "
            f"sync=0.0{rng.randrange(10, 40)} s, total={rng.uniform(20, 160):.3f} s",
        )
        server.line(
            when + seconds(161),
            1204,
            "LOG",
            f"recovery restart point at 4D/A{log.hex(7).upper()}\n"
            f"\tDetail: Last completed transaction was at log time {(when - seconds(1)).strftime('%Y-%m-%d %H:%M:%S')}.{rng.randrange(100_000, 999_999)}+00.",
        )
    down = DATABASE_DOWN + seconds(2)
    server.line(
        down,
        1377,
        "FATAL",
        "could not receive data from WAL stream: server closed the connection unexpectedly\n"
        "\t\tThis probably means the server terminated abnormally\n\t\tbefore or while processing the request.",
        "NETWORK_ANOMALY",
    )
    for offset in range(5, 760, 75):
        server.line(
            down + seconds(offset),
            28_000 + offset,
            "FATAL",
            "could not connect to the primary server: connection to server at "
            '"db1.harbour.internal" (10.20.4.21), port 5432 failed: Connection refused\n'
            "\t\tIs the server running on that host and accepting TCP/IP connections?",
            "NETWORK_ANOMALY",
        )
    server.line(FAILED_SWITCH, 1201, "LOG", "received SIGHUP, reloading configuration files")
    server.line(
        FAILED_SWITCH + seconds(0.01),
        1201,
        "LOG",
        'invalid value for parameter "max_connections": "40O"',
        "CONFIG_ERROR",
    )
    server.line(
        FAILED_SWITCH + seconds(0.01),
        1201,
        "LOG",
        'parameter "primary_slot_nam" in file "/etc/postgresql/15/main/conf.d/failover.conf" line 7 is not recognized',
        "CONFIG_ERROR",
    )
    server.line(
        FAILED_SWITCH + seconds(0.02),
        1201,
        "LOG",
        'configuration file "/etc/postgresql/15/main/conf.d/failover.conf" contains errors; no changes were applied',
        "CONFIG_ERROR",
    )
    server.line(PROMOTED - seconds(58), 1201, "LOG", "received SIGHUP, reloading configuration files")
    server.line(
        PROMOTED - seconds(58),
        1201,
        "LOG",
        'parameter "primary_conninfo" removed from configuration file, reset to default',
    )
    server.line(PROMOTED, 1205, "LOG", "received promote request")
    server.line(
        PROMOTED + seconds(0.1),
        1205,
        "LOG",
        "redo done at 4D/A7FF3E28 system usage: CPU: user: 88.14 s, system: 31.90 s, elapsed: 1209441.77 s",
    )
    last = at("09:52") + seconds(16.881204)
    server.line(PROMOTED + seconds(0.1), 1205, "LOG", f"last completed transaction was at log time {last:%Y-%m-%d %H:%M:%S.%f}+00")
    server.line(PROMOTED + seconds(0.2), 1205, "LOG", "selected new timeline ID: 4")
    server.line(PROMOTED + seconds(0.5), 1205, "LOG", "archive recovery complete")
    server.line(PROMOTED + seconds(0.9), 1201, "LOG", "database system is ready to accept connections")
    server.checkpoints(1204, PROMOTED + seconds(2), END)
    server.sessions(SWITCHED, END, 75)
    server.vacuums(SWITCHED, END)
    return log
