"""Routine messages put together from wide word lists, and NORMAL lines with alarming words.

Two things make a small model cry wolf: nouns that it has only met in complaints (memory, limit,
timeout, login, invalid) and wording that it has never met at all. So most of these lines are
harmless sentences about exactly such things.
"""

from corpus.grammar import Program, Shape

VERBS = """starting started stopping stopped loading loaded reading read writing wrote creating created opening opened closing closed
sending sent receiving received registering registered adding added removing removed updating updated checking checked scanning scanned
allocating allocated releasing released assigning assigned scheduling scheduled launching launched fetching fetched computing computed
merging merged sorting sorted copying copied moving moved deleting deleted renaming renamed mounting mounted attaching attached detaching
detached binding bound resolving resolved mapping mapped flushing flushed syncing synced replicating replicated verifying verified
validating validated enabling enabled disabling disabled reserving reserved claiming claimed attempting initializing initialized
finalizing finalized completing completed processing processed handling handled dispatching dispatched polling refreshing refreshed
rotating rotated expiring expired evicting evicted invalidating invalidated aborting cleaning cleaned purging purged killing stopping
accepting accepted granting granted issuing issued requesting requested acquiring acquired unlocking unlocked locking locked
""".split()
NOUNS = """block buffer cache memory disk volume table index segment partition replica shard node cluster worker executor task job stage
container instance image network interface port socket session connection channel stream queue topic message event request response
query transaction record entry key value token ticket certificate password credential account user group role permission policy
rule filter route address lease zone name host domain service unit timer thread pool process signal lock handle descriptor file
directory path snapshot checkpoint log journal backup archive upload download package module plugin driver device controller sensor
fan temperature battery power supply voltage rate limit quota threshold timeout interval retry attempt failure error exception
fault alarm warning alert report metric counter gauge histogram sample heartbeat leader follower election epoch term version schema
migration template page frame sector inode superblock register interrupt bus bridge slot lane queue-depth reducer mapper shuffle
broadcast accumulator tracker listener handler provider resolver scheduler allocator balancer monitor watchdog supervisor agent
vcpu core socket hypervisor guest kernel firmware bios acpi pci usb keyboard audit expiry-list blacklist dead-letter lost-lease
""".split()
KINDS = ["{svc}", "{hex}", "{uuid}", "{num}", "{word}", "{path}", "{addr}", "{ip}", "{fqdn}", "'{word}'", "[{uuid}]", "id={num}", "{small}", "0x{hex}", "{user}", "{version}"]
TAILS = ["", "", "", " in {ms}", " in {sec} seconds", " took {sec} seconds", " ({num} bytes)", ", size {num}", ", total {num}", ": {num}", ": ok", ": done", " (state=ACTIVE)", " of {num}", " from {addr}", " to {addr}", " on {host}",
         ", ceiling none", ", no upper bound", " with timeout {num}", ", now {num} MB", ", priority {small}", ", attempt 1", ", errors: 0", " for {user}", ", free {size}", " of an expected {size}", ", as nobody had asked for it before", " [default]", " code 200"]

CALM = """
i {path} not found, creating it
i no previous state found, starting fresh
i No {word} found
i capacity planning: {num} MB free on {host}, nothing to do
i quota check passed for {user}: {pct} of {size}
i resources granted: {small} cores, {size} memory
i {word} not present yet, will be created on first use
i first access to {word}, building it
i obsolete {word} {num} dropped from {host}
i retention: {num} old {word} files unlinked
i sign-in page rendered for {ip}
i sign-in of {user} took {ms}
i single sign-on enabled for {domain}
i access check for {user}: permit
i acl: {num} entries, default permit
i upper bound of {word}: none
i Invalidating {num} stale entries
i Killing stale session {num} at request of {user}
i Aborting idle poll as configured
i Asked to stop {svc}, killing container cleanly
i login allowed for {user} from {ip}
i access to {word} allowed for {ip}
i Password expiry policy: 90 days
i password database reloaded, {num} users
i Authentication is disabled for local sockets
i security features: ACL, TLS
i Firewall rules loaded: {small} deny, {num} allow
i deny list has {num} entries
i blocked threads: 0
i retries left: {small}
i Retry handler installed, max attempts {small}
i Will retry failed uploads every {num} seconds
i timeout={num} max_retries={small} backoff={num}
i Session timeout: {num}, negotiated
i slow query log enabled, threshold {sec}s
i queue depth {small}
i rate limiter initialised at {num} requests per second
i Throttle disabled
i Out-of-band management interface at {ip}
i lost+found skipped
i failed=0 ok={num} changed={small} unreachable=0
i failures=0 warnings=0
i FailedJobs: 0
i Error log opened at {path}
i errors will be reported to {email}
i ErrorHandler registered for {java}
i exception translation enabled
i crash reporter started
i core dump limit set to 0
i fatal errors are logged to {path}
i panic handler installed
i watchdog armed with {small}s
i leader election finished, term {num}
i new leader {host}
i node {host} left the cluster on purpose
i peer {ip} disconnected after finishing
i Disconnected from {addr}: bye
i closing connection to {addr}, idle
i client {ip} closed connection
i connection pool: active=2 idle={small} waiting=0
i checking for dead {word}: none
i dead letter queue is empty
i emergency contact set to {email}
i critical section entered by worker {small}
i degraded mode disabled
i temperature sensor {small} registered, range 0-{hot}
i fan {small} speed {num} rpm
i voltage {small}.2 V nominal
i battery at 100%, charging finished
i hardware clock synchronised
i Hardware name: {word} Server/{token}, BIOS {version}
i ECC memory enabled
i machine check handler registered
i interrupt {small} routed to CPU {small}
i {word}: disabled by default
i feature {word} disabled
i option {key} not given, using {num}
i unset optional parameter {key}
i configuration file {conf} read, 0 warnings
i using configuration {conf}
i config reloaded, nothing changed
i syntax OK
i missing optional dependency {word}, feature off
i deprecated API used by {user}, still supported
i certificate renewed for {fqdn}, valid until {day}
i conflict resolution strategy: last writer wins
i lock released after {ms}
i lock acquired by {host}
i Removing expired {word} older than {small} days
i expired {num} sessions
i backup older than {day} removed
i Timeout for {word} extended by user {user}
i test alert sent, please ignore
i alert resolved: {word}
i incident {num} closed
i problem with {word} cleared
i recovered: {svc} is healthy again
i service {svc} back to normal
i exited with status 0
i terminated by SIGTERM as requested
i child {pid} exit status 0
i received signal 15, shutting down
i Unblocked {word} {num}
i request for {url} took 0.{num} s, status 200
i {ip} GET {url} 200 {num}
i resolving {fqdn}
i connecting to {addr}
i trying {addr}
i {iface}: up, full duplex
i mtu set to {num} on {iface}
d frame {num}: no error
d errno=0
d rc=0 in {word}
d return code 0
n scheduled reboot at {clock} by {user}
n maintenance mode on for {host}
w {key} is deprecated, use {key} instead
w running as root is not recommended
w using self-signed certificate for {fqdn} in development mode
- {word} {word} {num} {num} {num}
- {host} {word}: {word} {num}
- {svc} {version}
- Copyright (C) 2026 {word} contributors
- 0 packages can be updated. 0 updates are security updates.
"""


def routine_programs(rng, sentences: int) -> list[Program]:
    """Invented programs that only ever say routine things."""
    result = []
    calm = [Shape("NORMAL", line[0], line[2:]) for line in CALM.strip("\n").splitlines()]
    half = len(calm) // 2
    rng.shuffle(calm)
    # Two programs with other headers each, so that no header stands for the label.
    result.append(Program("keld", ["log4j", "plain", "none", "json"], calm[:half]))
    result.append(Program("brock", ["syslog", "python", "logfmt", "none"], calm[half:]))
    result.append(Program("kernel", ["kernel"], calm[: half // 2]))
    shapes = []
    for _ in range(sentences):
        noun, other, kind = rng.choice(NOUNS), rng.choice(NOUNS), rng.choice(KINDS)
        verb, tail = rng.choice(VERBS), rng.choice(TAILS)
        camel = "".join(w.capitalize() for w in (noun, other, rng.choice(["Manager", "Impl", "Service", "Tracker", "Handler", ""])))
        message = rng.choice([
            f"{verb} {noun} {kind}{tail}", f"{verb.capitalize()} {noun} {kind}{tail}", f"{noun.capitalize()} {kind} {verb}{tail}",
            f"{camel}: {verb} {noun} {kind}{tail}", f"{camel}.{verb}: {kind}{tail}", f"[{noun}: {kind}] {verb} {other}{tail}",
            f"{noun} {kind} {verb} {other} {rng.choice(KINDS)}", f"{noun}={kind} {other}={rng.choice(KINDS)} {verb}{tail}",
            f"{verb.capitalize()} {other} {noun}{tail}", f"{noun.upper()}* {verb} {kind}{tail}", f"{noun}: {other} {kind}{tail}",
            f"{camel}({kind}) {verb}{tail}", f"{noun} {other}: {rng.choice(['enabled', 'disabled', 'none', 'yes', 'no', 'ready', 'active', 'supported', 'not supported', 'empty'])}",
        ])
        shapes.append(Shape("NORMAL", rng.choice("iiiiiiddn-"), message))
    result.append(Program("quern", ["log4j", "plain", "python", "syslog", "none", "json", "logfmt", "klog", "kernel"], shapes))
    for program in result:
        program.invented = True
    return result
