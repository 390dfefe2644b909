"""The orders service: Java, log4j2, with the stack traces of a pool that runs dry and a heap that runs full."""

from __future__ import annotations

from .shop import visits_and_orders
from .story import CRASH_LOOP, DATABASE_DOWN, DISK_ERRORS, POOL_EXHAUSTED, SWITCHED, Log, at, millis, pressure, seconds

_CALLERS = """\
	at com.harbour.orders.core.OrderService.create(OrderService.java:118)
	at com.harbour.orders.api.OrderController.place(OrderController.java:74)
	at java.base/jdk.internal.reflect.DirectMethodHandleAccessor.invoke(DirectMethodHandleAccessor.java:103)
	at java.base/java.lang.reflect.Method.invoke(Method.java:580)
	at org.springframework.web.method.support.InvocableHandlerMethod.doInvoke(InvocableHandlerMethod.java:258)
	at org.apache.tomcat.util.threads.TaskThread$WrappingRunnable.run(TaskThread.java:63)
	at java.base/java.lang.Thread.run(Thread.java:1583)"""

_POOL_TRACE = """\
org.springframework.jdbc.CannotGetJdbcConnectionException: Failed to obtain JDBC Connection
	at org.springframework.jdbc.datasource.DataSourceUtils.getConnection(DataSourceUtils.java:84)
	at org.springframework.jdbc.core.JdbcTemplate.execute(JdbcTemplate.java:653)
	at com.harbour.orders.db.ReservationRepository.insert(ReservationRepository.java:57)
{callers}
Caused by: java.sql.SQLTransientConnectionException: HikariPool-1 - Connection is not available, request timed out after {waited}ms (total=20, active=20, idle=0, waiting={waiting})
	at com.zaxxer.hikari.pool.HikariPool.createTimeoutException(HikariPool.java:686)
	at com.zaxxer.hikari.pool.HikariPool.getConnection(HikariPool.java:179)
	... 31 common frames omitted"""

_HEAP_TRACE = """\
java.lang.OutOfMemoryError: Java heap space
	at java.base/java.util.Arrays.copyOf(Arrays.java:3541)
	at java.base/java.io.ByteArrayOutputStream.ensureCapacity(ByteArrayOutputStream.java:100)
	at com.harbour.orders.core.PendingOrders.snapshot(PendingOrders.java:203)
	at com.harbour.orders.jobs.RetryQueue.enqueue(RetryQueue.java:88)
	at java.base/java.util.concurrent.ThreadPoolExecutor.runWorker(ThreadPoolExecutor.java:1144)
	at java.base/java.lang.Thread.run(Thread.java:1583)"""

_START_TRACE = """\
org.springframework.beans.factory.BeanCreationException: Error creating bean with name 'flywayInitializer': Unable to obtain connection from database: Connection to db1.harbour.internal:5432 refused. Check that the hostname and port are correct and that the postmaster is accepting TCP/IP connections.
	at org.springframework.beans.factory.support.AbstractAutowireCapableBeanFactory.initializeBean(AbstractAutowireCapableBeanFactory.java:1826)
	at org.springframework.boot.SpringApplication.run(SpringApplication.java:335)
	at com.harbour.orders.OrdersApplication.main(OrdersApplication.java:21)
Caused by: org.postgresql.util.PSQLException: Connection to db1.harbour.internal:5432 refused. Check that the hostname and port are correct and that the postmaster is accepting TCP/IP connections.
	at org.postgresql.core.v3.ConnectionFactoryImpl.openConnectionImpl(ConnectionFactoryImpl.java:352)
	at com.zaxxer.hikari.pool.PoolBase.newConnection(PoolBase.java:364)
	... 18 common frames omitted
Caused by: java.net.ConnectException: Connection refused
	at java.base/sun.nio.ch.Net.pollConnect(Native Method)
	at java.base/sun.nio.ch.NioSocketImpl.connect(NioSocketImpl.java:592)
	... 24 common frames omitted"""

_CANCEL_TRACE = """\
org.springframework.dao.QueryTimeoutException: PreparedStatementCallback; SQL [INSERT INTO reservations (id, order_id, sku, expires_at) VALUES (?, ?, ?, ?)]; ERROR: canceling statement due to statement timeout
	at org.springframework.jdbc.support.SQLErrorCodeSQLExceptionTranslator.doTranslate(SQLErrorCodeSQLExceptionTranslator.java:240)
	at com.harbour.orders.db.ReservationRepository.insert(ReservationRepository.java:57)
{callers}"""

RESTARTS = [CRASH_LOOP + seconds(9), at("09:46:30"), at("09:53:40"), at("09:57:12"), at("10:03:05")]


def orders(seed: int) -> Log:
    """The log of the orders service over the whole day."""
    log = Log("orders-service.log", seed)
    rng = log.rng

    def write(when, level, thread, logger, text, label="NORMAL"):
        log.add(
            when, f"{when.strftime('%Y-%m-%d %H:%M:%S')},{millis(when)} {level:<5} [{thread}] {logger} - {text}", label
        )

    down = [
        (RESTARTS[0] - seconds(8), RESTARTS[0] + seconds(40)),
        (RESTARTS[1] - seconds(5), RESTARTS[1] + seconds(40)),
        (DATABASE_DOWN, SWITCHED + seconds(20)),
    ]

    def is_up(when):
        return not any(begin <= when <= end for begin, end in down)

    controller, service = "c.h.orders.api.OrderController", "c.h.orders.core.OrderService"
    _, placed = visits_and_orders(seed)
    for order in placed:
        thread, when = f"http-nio-8080-exec-{rng.randrange(1, 11)}", order.when
        if not is_up(when):
            continue
        write(
            when - seconds(0.9),
            "INFO",
            thread,
            controller,
            f"POST /api/orders customer={order.customer} items={order.items}",
        )
        if order.fate in ("placed", "slow"):
            wait = rng.uniform(4, 11) if order.fate == "slow" else rng.uniform(0.02, 0.2)
            if order.fate == "slow":
                write(
                    when,
                    "WARN",
                    thread,
                    "c.h.orders.db.ReservationRepository",
                    f"insert into reservations took {int(wait * 1000)} ms (limit 500 ms) for order {order.number}",
                    "PERFORMANCE_ISSUE",
                )
                when += seconds(wait)
            write(
                when,
                "INFO",
                thread,
                service,
                f"order {order.number} created, total {order.total} EUR, reservation "
                f"{order.reservation} held for 15 min",
            )
            write(
                when + seconds(0.3),
                "INFO",
                thread,
                "c.h.orders.core.PaymentClient",
                f"payment {order.payment} authorised for order {order.number} in {rng.randrange(90, 340)} ms",
            )
            write(
                when + seconds(0.35),
                "INFO",
                "outbox-relay",
                "c.h.orders.events.OutboxRelay",
                f"published order.placed for order {order.number} to partition {order.number % 6}",
            )
            write(
                when + seconds(0.36),
                "INFO",
                thread,
                controller,
                f"201 /api/orders order={order.number} in {int(wait * 1000) + rng.randrange(310, 420)} ms",
            )
        elif order.fate == "pool" and order.when < POOL_EXHAUSTED:
            write(
                when,
                "ERROR",
                thread,
                controller,
                f"order {order.number} failed\n" + _CANCEL_TRACE.format(callers=_CALLERS),
                "PERFORMANCE_ISSUE",
            )
        elif order.fate == "pool":
            write(
                when,
                "ERROR",
                thread,
                controller,
                f"order {order.number} failed\n"
                + _POOL_TRACE.format(
                    callers=_CALLERS, waited=rng.randrange(30_000, 30_009), waiting=rng.randrange(11, 64)
                ),
                "PERFORMANCE_ISSUE",
            )
    for when in log.every(90, 10):
        if is_up(when):
            write(
                when,
                "INFO",
                "scheduling-1",
                "c.h.orders.jobs.ReservationSweeper",
                f"released {rng.randrange(0, 4)} expired reservations in {rng.randrange(6, 31)} ms",
            )
    for when in log.every(300, 2):
        if not is_up(when):
            continue
        busy = pressure(when)
        if POOL_EXHAUSTED < when < SWITCHED:
            active, waiting = 20, rng.randrange(18, 71)
        else:
            active, waiting = min(20, rng.randrange(0, 4) + int(busy * 26)), 0
        write(
            when,
            "DEBUG",
            "HikariPool-1 housekeeper",
            "c.z.hikari.pool.HikariPool",
            f"HikariPool-1 - Pool stats (total=20, active={active}, idle={20 - active}, waiting={waiting})",
            "PERFORMANCE_ISSUE" if waiting else "NORMAL",
        )
    for when in log.every(240, 60):
        if is_up(when):
            write(
                when,
                "INFO",
                f"kafka-consumer-{rng.randrange(3)}",
                "c.h.orders.events.StockListener",
                f"stock level of sku {rng.randrange(1000, 1900)} set to {rng.randrange(0, 400)} at offset {rng.randrange(88_100_000, 88_200_000)}",
            )
    for when in log.every(420, 100):
        if is_up(when):
            write(
                when,
                "INFO",
                "scheduling-2",
                "c.h.orders.jobs.PriceCache",
                f"reloaded {rng.randrange(880, 905)} prices, {rng.randrange(0, 9)} changed",
            )
    for when in log.every(55, 9, DISK_ERRORS + seconds(300), CRASH_LOOP):
        write(
            when,
            "WARN",
            f"http-nio-8080-exec-{rng.randrange(1, 11)}",
            service,
            f"reservation for cart {log.hex(8)} took {rng.randrange(2300, 19_800)} ms, expected under 500 ms",
            "PERFORMANCE_ISSUE",
        )
    for offset in (7, 33, 81):
        write(
            POOL_EXHAUSTED + seconds(offset),
            "WARN",
            "HikariPool-1 connection adder",
            "c.z.hikari.pool.PoolBase",
            "HikariPool-1 - Failed to validate connection org.postgresql.jdbc.PgConnection@"
            f"{log.hex(8)} (This connection has been closed.). Possibly consider using a shorter maxLifetime value.",
            "NETWORK_ANOMALY",
        )
    for crash in (RESTARTS[0], RESTARTS[1]):
        write(
            crash - seconds(31),
            "WARN",
            "GC-monitor",
            "c.h.orders.ops.MemoryWatch",
            f"old generation at {rng.randrange(96, 99)} % after full collection, pause {rng.randrange(2100, 4800)} ms",
            "PERFORMANCE_ISSUE",
        )
        write(
            crash - seconds(9),
            "ERROR",
            "retry-queue-1",
            "c.h.orders.jobs.RetryQueue",
            "Uncaught exception in retry-queue-1\n" + _HEAP_TRACE,
            "SYSTEM_FAILURE",
        )
    for restart in RESTARTS + [SWITCHED + seconds(8)]:
        clock = restart
        write(
            clock,
            "INFO",
            "main",
            "c.h.orders.OrdersApplication",
            "Starting OrdersApplication v4.18.2 using Java 21.0.8 with PID 1 (/app/orders.jar started by app in /app)",
        )
        write(
            clock + seconds(2.1),
            "INFO",
            "main",
            "o.s.b.w.embedded.tomcat.TomcatWebServer",
            "Tomcat initialized with port 8080 (http)",
        )
        write(clock + seconds(3.4), "INFO", "main", "c.zaxxer.hikari.HikariDataSource", "HikariPool-1 - Starting...")
        if restart > DATABASE_DOWN and restart < SWITCHED:
            write(
                clock + seconds(13.4),
                "ERROR",
                "main",
                "o.s.boot.SpringApplication",
                "Application run failed\n" + _START_TRACE,
                "NETWORK_ANOMALY",
            )
            write(
                clock + seconds(13.6), "INFO", "main", "o.a.catalina.core.StandardService", "Stopping service [Tomcat]"
            )
        else:
            write(
                clock + seconds(3.9),
                "INFO",
                "main",
                "c.zaxxer.hikari.HikariDataSource",
                "HikariPool-1 - Start completed.",
            )
            write(
                clock + seconds(11.2),
                "INFO",
                "main",
                "c.h.orders.OrdersApplication",
                f"Started OrdersApplication in {rng.uniform(9.8, 12.4):.3f} seconds (process running for {rng.uniform(12.6, 14):.3f})",
            )
    write(
        SWITCHED + seconds(31),
        "INFO",
        "retry-queue-1",
        "c.h.orders.jobs.RetryQueue",
        "replaying 41 orders kept on disk",
    )
    write(
        SWITCHED + seconds(102), "INFO", "retry-queue-1", "c.h.orders.jobs.RetryQueue", "replayed 41 orders, 0 failed"
    )
    return log
