"""The syslog of the hosts db1, db2 and node3, collected on one machine: RFC 3164 lines as rsyslog writes them."""

from __future__ import annotations

from .orders import RESTARTS
from .story import BEGIN, DATABASE_DOWN, DISK_ERRORS, DISK_TIMEOUTS, DISK_WARNS, END, PROMOTED, Log, at, seconds

UPTIME = {"db1": 812_311.0, "db2": 812_298.0, "node3": 2_204_118.0}


def stamp(when) -> str:
    """`Nov 18 09:14:02`, the time of RFC 3164."""
    return f"{when.strftime('%b')} {when.day:>2} {when.strftime('%H:%M:%S')}"


def hosts(seed: int) -> Log:
    """Cron, timers, time keeping and backups of three hosts, and the kernel of db1 while its disk dies."""
    log = Log("hosts-syslog.log", seed)
    rng = log.rng

    def write(when, host, program, text, label="NORMAL"):
        log.add(when, f"{stamp(when)} {host} {program}: {text}", label)

    def kernel(when, host, text, label="NORMAL"):
        up = UPTIME[host] + (when - BEGIN).total_seconds()
        write(when, host, "kernel", f"[{up:.6f}] {text}", label)

    for host in UPTIME:
        gone = at("09:58") if host == "db1" else END
        for when in log.every(600, 1, BEGIN, gone):
            write(
                when,
                host,
                f"CRON[{rng.randrange(4000, 32_000)}]",
                "(root) CMD (command -v debian-sa1 > /dev/null && debian-sa1 1 1)",
            )
        for when in log.every(900, 60, BEGIN, gone):
            unit, what = rng.choice(
                [
                    ("sysstat-collect.service", "system activity accounting tool"),
                    ("phpsessionclean.service", "Clean php session files")
                    if host == "node3"
                    else ("logrotate.service", "Rotate log files"),
                    ("prometheus-node-exporter-apt.service", "Collect apt metrics for prometheus-node-exporter"),
                ]
            )
            write(when, host, "systemd[1]", f"Starting {unit} - {what}...")
            write(when + seconds(0.3), host, "systemd[1]", f"{unit}: Deactivated successfully.")
            write(when + seconds(0.3), host, "systemd[1]", f"Finished {unit} - {what}.")
        for when in log.every(1500, 300, BEGIN, gone):
            write(when, host, "chronyd[702]", f"Selected source 10.20.0.{rng.randrange(2, 5)}")
        for when in log.every(1200, 200, BEGIN, gone):
            number = rng.randrange(1000, 9999)
            write(when, host, "systemd[1]", f"Started session-{number}.scope - Session {number} of User backup.")
            write(
                when + seconds(9),
                host,
                "systemd-logind[688]",
                f"Session {number} logged out. Waiting for processes to exit.",
            )
    for when in log.every(1800, 5, BEGIN, DISK_WARNS):
        write(
            when,
            "db1",
            "smartd[731]",
            "Device: /dev/nvme0, SMART Usage Attribute: Temperature changed from 41 to 42 Celsius",
        )
    for when in log.every(600, 30, BEGIN, at("09:50")):
        write(
            when,
            "db1",
            f"pgbackrest[{rng.randrange(4000, 32_000)}]",
            f"P00   INFO: archive-push command end: completed successfully ({rng.randrange(210, 690)}ms)",
        )
    for when in log.every(600, 30, PROMOTED, END):
        write(
            when,
            "db2",
            f"pgbackrest[{rng.randrange(4000, 32_000)}]",
            f"P00   INFO: archive-push command end: completed successfully ({rng.randrange(210, 690)}ms)",
        )
    for when in log.every(700, 200):
        kernel(when, "node3", f"IPv6: ADDRCONF(NETDEV_CHANGE): veth{log.hex(8)}: link becomes ready")
        kernel(
            when + seconds(0.1),
            "node3",
            f"cni0: port {rng.randrange(3, 20)}(veth{log.hex(8)}) entered forwarding state",
        )
    for when in log.every(480, 60):
        write(
            when,
            "node3",
            "containerd[911]",
            f'time="{when.strftime("%Y-%m-%dT%H:%M:%SZ")}" level=info msg="CreateContainer within sandbox '
            f'\\"{log.hex(12)}\\" for container &ContainerMetadata{{Name:price-sync,Attempt:0,}}"',
        )

    bad = "HARDWARE_ISSUE"
    write(DISK_WARNS, "db1", "smartd[731]", "Device: /dev/nvme0, Critical Warning (0x04): Reliability", bad)
    write(
        DISK_WARNS + seconds(1),
        "db1",
        "smartd[731]",
        "Device: /dev/nvme0, number of Error Log entries increased from 4 to 37",
        bad,
    )
    write(
        DISK_WARNS + seconds(1801),
        "db1",
        "smartd[731]",
        "Device: /dev/nvme0, number of Error Log entries increased from 37 to 1288",
        bad,
    )
    for when in log.every(70, 25, DISK_TIMEOUTS, DATABASE_DOWN - seconds(40)):
        tag, queue = rng.randrange(2, 1000), rng.randrange(1, 9)
        kernel(when, "db1", f"nvme nvme0: I/O {tag} QID {queue} timeout, aborting", bad)
        kernel(when + seconds(0.8), "db1", "nvme nvme0: Abort status: 0x0", bad)
    for when in log.every(80, 30, DISK_ERRORS, DATABASE_DOWN):
        sector = rng.randrange(918_000_000, 918_900_000) & ~7
        kernel(when, "db1", f"nvme0n1: I/O Cmd(0x2) @ LBA {sector}, 8 blocks, I/O Error (sct 0x2 / sc 0x81) MORE", bad)
        kernel(
            when,
            "db1",
            f"critical medium error, dev nvme0n1, sector {sector} op 0x0:(READ) flags 0x80700 phys_seg 1 prio class 2",
            bad,
        )
        if rng.random() < 0.5:
            kernel(
                when + seconds(0.02),
                "db1",
                f"Buffer I/O error on dev nvme0n1p2, logical block {sector // 8}, async page read",
                bad,
            )
    for when in (at("09:31:10"), at("09:44:02")):
        kernel(
            when,
            "db1",
            f"INFO: task postgres:{rng.randrange(2300, 31_000)} blocked for more than 120 seconds.",
            "SYSTEM_FAILURE",
        )
        kernel(when, "db1", "      Not tainted 6.1.0-41-amd64 #1 Debian 6.1.158-1", None)
        kernel(when, "db1", '"echo 0 > /proc/sys/kernel/hung_task_timeout_secs" disables this message.', None)
        for frame in (
            "Call Trace:",
            " <TASK>",
            " __schedule+0x34d/0x9e0",
            " schedule+0x5a/0xd0",
            " io_schedule+0x42/0x70",
            " folio_wait_bit_common+0x133/0x350",
            " __ext4_fsync+0x9c/0x1f0",
            " do_syscall_64+0x55/0xb0",
            " </TASK>",
        ):
            kernel(when, "db1", frame, None)
    down = DATABASE_DOWN - seconds(31)
    kernel(down, "db1", f"nvme nvme0: I/O {rng.randrange(2, 1000)} QID 0 timeout, reset controller", bad)
    kernel(down + seconds(21), "db1", "nvme nvme0: Device not ready; aborting reset, CSTS=0x1", bad)
    kernel(down + seconds(30), "db1", "nvme nvme0: Removing after probe failure status: -19", bad)
    for index in range(6):
        kernel(
            down + seconds(30.1 + index / 50),
            "db1",
            f"Buffer I/O error on dev nvme0n1p2, logical block {114_750_000 + 8 * index}, lost async page write",
            bad,
        )
    kernel(down + seconds(30.4), "db1", "Aborting journal on device nvme0n1p2-8.", bad)
    kernel(
        down + seconds(30.5),
        "db1",
        "EXT4-fs error (device nvme0n1p2): ext4_journal_check_start:83: comm postgres: Detected aborted journal",
        bad,
    )
    kernel(down + seconds(30.6), "db1", "EXT4-fs (nvme0n1p2): Remounting filesystem read-only", bad)
    write(
        DATABASE_DOWN + seconds(5),
        "db1",
        "systemd[1]",
        "postgresql@15-main.service: Main process exited, code=exited, status=1/FAILURE",
        "SYSTEM_FAILURE",
    )
    write(
        DATABASE_DOWN + seconds(5.1),
        "db1",
        "systemd[1]",
        "postgresql@15-main.service: Failed with result 'exit-code'.",
        "SYSTEM_FAILURE",
    )
    for offset, text in (
        (
            71,
            "P00  ERROR: [082]: unable to push WAL file '000000030000004D000000A7' to the archive asynchronously after 60 second(s)",
        ),
        (
            104,
            "P00  ERROR: [041]: unable to open file '/var/lib/postgresql/15/main/global/pg_control' for read: [5] Input/output error",
        ),
    ):
        write(
            DATABASE_DOWN + seconds(offset), "db1", f"pgbackrest[{rng.randrange(4000, 32_000)}]", text, "SYSTEM_FAILURE"
        )
    write(at("09:57:40"), "db1", "systemd[1]", "Shutting down.")
    for crash in RESTARTS[:2]:
        when, pid = crash - seconds(6), rng.randrange(41_000, 61_000)
        kernel(
            when,
            "node3",
            "java invoked oom-killer: gfp_mask=0xcc0(GFP_KERNEL), order=0, oom_score_adj=984",
            "PERFORMANCE_ISSUE",
        )
        kernel(
            when + seconds(0.1),
            "node3",
            f"Memory cgroup out of memory: Killed process {pid} (java) total-vm:6148112kB, anon-rss:2087340kB, "
            "file-rss:24112kB, shmem-rss:0kB, UID:10001 pgtables:5120kB oom_score_adj:984",
            "PERFORMANCE_ISSUE",
        )
        kernel(
            when + seconds(0.3),
            "node3",
            f"oom_reaper: reaped process {pid} (java), now anon-rss:0kB, file-rss:0kB, shmem-rss:0kB",
            None,
        )
    write(
        PROMOTED - seconds(3),
        "db2",
        "sudo",
        "   mara : TTY=pts/0 ; PWD=/home/mara ; USER=postgres ; COMMAND=/usr/bin/pg_ctlcluster 15 main promote",
    )
    write(
        PROMOTED + seconds(2), "db2", "systemd[1]", "Started keepalived-notify.service - Announce the primary address."
    )
    write(PROMOTED + seconds(3), "db2", "Keepalived_vrrp[990]", "(VI_DB) Entering MASTER STATE")
    return log
