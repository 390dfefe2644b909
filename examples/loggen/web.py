"""nginx in front of the shop: the access log in the combined format, and the error log."""

from __future__ import annotations

from .shop import visits_and_orders
from .story import DATABASE_DOWN, DISK_ERRORS, FAILED_SWITCH, POOL_EXHAUSTED, SWITCHED, Log, at, seconds

MONITOR = "harbour-uptime/2.3 (+https://status.harbour.example)"
CRAWLER = "Mozilla/5.0 (compatible; TidepoolBot/1.4; +https://tidepool.example/bot)"
SCANNER = "Mozilla/5.0 zgrab/0.x"
UPSTREAMS = ["10.20.3.11:8080", "10.20.3.12:8080"]


def _combined(log, when, address, request, status, size, referer, agent, label="NORMAL"):
    stamp = when.strftime("%d/%b/%Y:%H:%M:%S +0000")
    log.add(when, f'{address} - - [{stamp}] "{request}" {status} {size} "{referer}" "{agent}"', label)


def _status_label(status: int) -> str:
    return {
        500: "SYSTEM_FAILURE",
        502: "NETWORK_ANOMALY",
        503: "SYSTEM_FAILURE",
        504: "PERFORMANCE_ISSUE",
        499: "PERFORMANCE_ISSUE",
    }.get(status, "NORMAL")


def access(seed: int) -> Log:
    """The access log: visits, the uptime monitor, a crawler, and two waves of probes."""
    log = Log("shop-nginx-access.log", seed)
    visits, _ = visits_and_orders(seed)
    for visit in visits:
        for request in visit.requests:
            _combined(
                log,
                request.when,
                visit.address,
                f"{request.method} {request.path} HTTP/2.0",
                request.status,
                request.size,
                request.referer,
                visit.agent,
                _status_label(request.status),
            )
    for when in log.every(120, 0.4):
        down = DATABASE_DOWN < when < SWITCHED
        _combined(
            log,
            when,
            "192.0.2.250",
            "GET /healthz HTTP/1.1",
            503 if down else 200,
            21 if down else 15,
            "-",
            MONITOR,
            _status_label(503 if down else 200),
        )
    for when in log.every(95, 40):
        path = f"/products/{log.rng.randrange(1000, 1900)}" if log.rng.random() < 0.9 else "/robots.txt"
        if not DISK_ERRORS < when < SWITCHED:
            _combined(
                log, when, "198.51.100.210", f"GET {path} HTTP/1.1", 200, log.rng.randrange(90, 30_000), "-", CRAWLER
            )
    probes = [
        "GET /.env HTTP/1.1",
        "GET /.git/config HTTP/1.1",
        "GET /wp-login.php HTTP/1.1",
        "GET /actuator/env HTTP/1.1",
        "GET /products/1182%27%20UNION%20SELECT%20usename,passwd%20FROM%20pg_shadow-- HTTP/1.1",
        "GET /static/../../../../etc/passwd HTTP/1.1",
        "POST /cgi-bin/luci/;stok=/locale HTTP/1.1",
    ]
    for begin in (at("08:34:10"), at("11:21:40")):
        for index, probe in enumerate(probes):
            status, size = (400, 150) if "../" in probe else (404, 146)
            _combined(
                log,
                begin + seconds(index * 1.7),
                "203.0.113.231",
                probe,
                status,
                size,
                "-",
                SCANNER,
                "SECURITY_ANOMALY",
            )
        _combined(
            log,
            begin + seconds(14),
            "203.0.113.231",
            r"\x16\x03\x01\x00\xEE\x01\x00\x00\xEA\x03\x03",
            400,
            150,
            "-",
            "-",
            "SECURITY_ANOMALY",
        )
    return log


def errors(seed: int) -> Log:
    """The error log: buffering notices on quiet days, upstream trouble in the incident."""
    log = Log("shop-nginx-error.log", seed)
    workers, workers_after = [1189, 1190, 1191, 1192], [4471, 4472, 4473, 4474]

    def write(when, level, text, label="NORMAL", connection=None, worker=None):
        worker = worker or log.rng.choice(workers if when < SWITCHED else workers_after)
        number = f"*{connection} " if connection else ""
        log.add(when, f"{when.strftime('%Y/%m/%d %H:%M:%S')} [{level}] {worker}#{worker}: {number}{text}", label)

    def tail(address, method, path, upstream=None):
        text = f'client: {address}, server: shop.harbour.example, request: "{method} {path} HTTP/2.0"'
        if upstream:
            text += f', upstream: "http://{upstream}{path}"'
        return text + ', host: "shop.harbour.example"'

    visits, _ = visits_and_orders(seed)
    connection = 48_112
    for visit in sorted(visits, key=lambda visit: visit.requests[0].when):
        connection += log.rng.randrange(1, 9)
        for request in visit.requests:
            upstream = log.rng.choice(UPSTREAMS)
            where = tail(visit.address, request.method, request.path, upstream)
            if request.fault == "timeout":
                write(
                    request.when,
                    "error",
                    "upstream timed out (110: Connection timed out) while reading response header "
                    f"from upstream, {where}",
                    "PERFORMANCE_ISSUE",
                    connection,
                )
            elif request.fault == "refused":
                write(
                    request.when,
                    "error",
                    f"connect() failed (111: Connection refused) while connecting to upstream, {where}",
                    "NETWORK_ANOMALY",
                    connection,
                )
            elif request.fault == "reset":
                write(
                    request.when,
                    "error",
                    "recv() failed (104: Connection reset by peer) while reading response header "
                    f"from upstream, {where}",
                    "NETWORK_ANOMALY",
                    connection,
                )
            elif request.fault == "none":
                where = tail(visit.address, request.method, request.path).replace(
                    ", host:", f', upstream: "http://orders_pool{request.path}", host:'
                )
                write(
                    request.when,
                    "error",
                    f"no live upstreams while connecting to upstream, {where}",
                    "NETWORK_ANOMALY",
                    connection,
                )
            elif request.path.startswith("/products/") and log.rng.random() < 0.13:
                write(
                    request.when,
                    "warn",
                    "an upstream response is buffered to a temporary file "
                    f"/var/cache/nginx/proxy_temp/{log.rng.randrange(10)}/{log.rng.randrange(10, 60)}/"
                    f"{log.rng.randrange(1, 9999):010d} while reading upstream, {where}",
                    "NORMAL",
                    connection,
                )
    for when in log.every(600, 120):
        write(
            when, "info", "client 192.0.2.250 closed keepalive connection", connection=log.rng.randrange(48_000, 52_000)
        )
    for offset in range(0, 24, 6):
        write(
            POOL_EXHAUSTED + seconds(300 + offset),
            "alert",
            "512 worker_connections are not enough",
            "PERFORMANCE_ISSUE",
        )
    master = 1188
    write(
        FAILED_SWITCH + seconds(41),
        "emerg",
        'unexpected "}" in /etc/nginx/conf.d/upstreams.conf:14',
        "CONFIG_ERROR",
        worker=4402,
    )
    write(
        FAILED_SWITCH + seconds(66),
        "emerg",
        'host not found in upstream "orders-b.harbour.internal:8080" in /etc/nginx/conf.d/upstreams.conf:12',
        "CONFIG_ERROR",
        worker=4417,
    )
    begin = SWITCHED - seconds(3)
    write(begin, "notice", "signal 1 (SIGHUP) received from 4466, reconfiguring", worker=master)
    write(begin, "notice", "reconfiguring", worker=master)
    write(begin, "notice", 'using the "epoll" event method', worker=master)
    write(begin, "notice", "start worker processes", worker=master)
    for pid in workers_after:
        write(begin, "notice", f"start worker process {pid}", worker=master)
    for pid in workers:
        write(begin + seconds(2), "notice", "gracefully shutting down", worker=pid)
        write(begin + seconds(9), "notice", "exiting", worker=pid)
        write(begin + seconds(9), "notice", "exit", worker=pid)
        write(begin + seconds(10), "notice", f"worker process {pid} exited with code 0", worker=master)
    return log
