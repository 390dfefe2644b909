"""sshd, sudo and cron on the bastion host: people at work, and a side story of guessed passwords that ends in a break-in."""

from __future__ import annotations

from .story import FAILED_SWITCH, PROMOTED, Log, at, seconds

PEOPLE = {
    "mara": ("10.20.9.31", "ED25519 SHA256:vN0pT2s8cJqX1rUe5yWbLh7kDfGmZo3aQiKtRxEuVzA"),
    "jonas": ("10.20.9.34", "ED25519 SHA256:B7eYk3uFqLw9cTzNmR5oHsXjPdVa1gUi6tKyEx2bQrM"),
    "deploy": ("10.20.3.5", "RSA SHA256:x4ZcPm1oRfWk8uTaYhDq6sLeJvBn0gXi3yKtUz5wEbQ"),
}
GUESSES = [
    "admin",
    "oracle",
    "test",
    "ubuntu",
    "git",
    "pi",
    "ftpuser",
    "postgres",
    "jenkins",
    "nagios",
    "minecraft",
    "guest",
]
GUESSER, VISITOR = "203.0.113.77", "198.51.100.23"


def bastion(seed: int) -> Log:
    """The auth log, with the ISO times that rsyslog writes on a current Debian."""
    log = Log("bastion-auth.log", seed)
    rng = log.rng

    def write(when, program, text, label="NORMAL"):
        log.add(when, f"{when.strftime('%Y-%m-%dT%H:%M:%S.%f')}+00:00 bastion {program}: {text}", label)

    def session(when, user, lasting, commands=()):
        address, key = PEOPLE[user]
        pid, port, number = rng.randrange(2000, 60_000), rng.randrange(33_000, 60_900), rng.randrange(300, 900)
        write(when, f"sshd[{pid}]", f"Accepted publickey for {user} from {address} port {port} ssh2: {key}")
        write(
            when + seconds(0.1),
            f"sshd[{pid}]",
            f"pam_unix(sshd:session): session opened for user {user}(uid={1000 + len(user)}) by (uid=0)",
        )
        write(when + seconds(0.2), "systemd-logind[655]", f"New session {number} of user {user}.")
        for offset, command in commands:
            write(
                when + seconds(offset),
                "sudo",
                f"  {user} : TTY=pts/0 ; PWD=/home/{user} ; USER=root ; COMMAND={command}",
            )
            write(
                when + seconds(offset + 0.1),
                "sudo",
                f"pam_unix(sudo:session): session opened for user root(uid=0) by {user}(uid={1000 + len(user)})",
            )
            write(when + seconds(offset + 2), "sudo", "pam_unix(sudo:session): session closed for user root")
        write(
            when + seconds(lasting),
            f"sshd[{pid}]",
            f"Received disconnect from {address} port {port}:11: disconnected by user",
        )
        write(when + seconds(lasting), f"sshd[{pid}]", f"Disconnected from user {user} {address} port {port}")
        write(when + seconds(lasting + 0.1), f"sshd[{pid}]", f"pam_unix(sshd:session): session closed for user {user}")
        write(when + seconds(lasting + 0.2), "systemd-logind[655]", f"Removed session {number}.")

    for when in log.every(900, 200):
        session(when, "deploy", rng.uniform(8, 50))
    for when in log.every(1800, 500):
        session(
            when,
            rng.choice(["mara", "jonas"]),
            rng.uniform(200, 1500),
            [(rng.uniform(20, 90), "/usr/bin/apt-get update")],
        )
    for when in log.every(600, 1):
        pid = rng.randrange(2000, 60_000)
        write(when, f"CRON[{pid}]", "pam_unix(cron:session): session opened for user root(uid=0) by (uid=0)")
        write(when + seconds(0.6), f"CRON[{pid}]", "pam_unix(cron:session): session closed for user root")
    session(
        at("09:29:40"), "mara", 3100, [(60, "/usr/bin/journalctl -k -b"), (1400, "/usr/sbin/nvme smart-log /dev/nvme0")]
    )
    session(
        FAILED_SWITCH - seconds(300),
        "jonas",
        1300,
        [(290, "/usr/bin/vim /etc/nginx/conf.d/upstreams.conf"), (340, "/usr/sbin/nginx -t")],
    )

    bad = "SECURITY_ANOMALY"
    for when in log.every(11, 4, at("08:32:00"), at("08:40:30")):
        pid, port = rng.randrange(2000, 60_000), rng.randrange(33_000, 60_900)
        if rng.random() < 0.5:
            guess = rng.choice(GUESSES)
            write(when, f"sshd[{pid}]", f"Invalid user {guess} from {GUESSER} port {port}", bad)
            write(
                when + seconds(2),
                f"sshd[{pid}]",
                f"Failed password for invalid user {guess} from {GUESSER} port {port} ssh2",
                bad,
            )
        else:
            write(
                when,
                f"sshd[{pid}]",
                "pam_unix(sshd:auth): authentication failure; logname= uid=0 euid=0 tty=ssh ruser= "
                f"rhost={GUESSER}  user=root",
                bad,
            )
            write(when + seconds(2), f"sshd[{pid}]", f"Failed password for root from {GUESSER} port {port} ssh2", bad)
    for offset in (101, 288, 460):
        write(
            at("08:32:00") + seconds(offset),
            f"sshd[{rng.randrange(2000, 60_000)}]",
            f"error: maximum authentication attempts exceeded for root from {GUESSER} port {rng.randrange(33_000, 60_900)} ssh2 [preauth]",
            bad,
        )
    begin, pid = at("10:31:05"), 51_877
    for offset in (0, 9, 21):
        write(
            begin + seconds(offset), f"sshd[{pid}]", f"Failed password for backup from {VISITOR} port 50118 ssh2", bad
        )
    write(begin + seconds(33), f"sshd[{pid}]", f"Accepted password for backup from {VISITOR} port 50118 ssh2", bad)
    write(
        begin + seconds(33.1),
        f"sshd[{pid}]",
        "pam_unix(sshd:session): session opened for user backup(uid=34) by (uid=0)",
        None,
    )
    write(
        begin + seconds(71),
        "sudo",
        "pam_unix(sudo:auth): authentication failure; logname=backup uid=34 euid=0 tty=/dev/pts/2 ruser=backup rhost=  user=backup",
        bad,
    )
    write(
        begin + seconds(80),
        "sudo",
        "  backup : user NOT in sudoers ; TTY=pts/2 ; PWD=/var/backups ; USER=root ; COMMAND=/bin/bash",
        bad,
    )
    write(begin + seconds(118), "su[51990]", "FAILED SU (to root) backup on pts/2", bad)
    write(
        begin + seconds(840),
        "sudo",
        "   mara : TTY=pts/0 ; PWD=/home/mara ; USER=root ; COMMAND=/usr/sbin/usermod -L -s /usr/sbin/nologin backup",
    )
    write(begin + seconds(843), f"sshd[{pid}]", "pam_unix(sshd:session): session closed for user backup")
    session(
        PROMOTED + seconds(2200),
        "mara",
        900,
        [(30, "/usr/bin/ss -tnp"), (200, "/usr/sbin/usermod -L -s /usr/sbin/nologin backup")],
    )
    return log
