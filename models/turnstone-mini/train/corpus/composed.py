"""Messages of programs that do not exist, put together from parts.

The model must not learn programs by heart, so a good part of the corpus has invented
programs whose messages share only the way in which people write about such events.
Each pattern is label, level and parts; a part in capitals is a list below.
"""

from corpus.grammar import Program, Shape
from corpus.labels import CODES
from corpus.routine import NOUNS

PARTS = {
    "PEER": ["{svc}", "{fqdn}", "{addr}", "{ip}:{port}", "upstream {svc}", "backend {host}", "database", "broker {host}", "peer {host}", "primary", "http://{fqdn}{url}", "tcp://{addr}", "the license server", "ldap://{fqdn}", "message queue", "{host}", "node {small}", "remote {ip}", "gateway", "replica {small}"],
    "NETWHY": ["connection refused", "Connection refused", "connection reset by peer", "Connection reset by peer", "no route to host", "No route to host", "network is unreachable", "Network unreachable", "host is down", "i/o timeout", "connection timed out", "Connection timed out", "broken pipe", "Name or service not known", "no such host", "EOF", "unexpected EOF", "ECONNREFUSED", "ECONNRESET", "ETIMEDOUT", "EHOSTUNREACH", "getaddrinfo ENOTFOUND {fqdn}", "NXDOMAIN", "Temporary failure in name resolution", "connection closed by remote", "socket hang up", "TLS handshake timeout", "[Errno 111] Connection refused", "[Errno 104] Connection reset by peer", "java.net.ConnectException", "java.net.UnknownHostException: {fqdn}", "server closed the connection", "peer went away", "SERVFAIL"],
    "RETRY": ["", "", ", retrying in {small}s", "; retry {small} of 5", ", will retry", " (attempt {small})", ", giving up", ", next attempt in {sec}s"],
    "THING": ["{svc}", "{svc} worker", "worker {small}", "process {pid}", "child {pid}", "{svc} service", "job {num}", "task {uuid}", "thread {word}-{small}", "plugin {word}", "module {word}", "container {hex}", "instance {host}", "{word} handler", "consumer {svc}", "stage {word}"],
    "FIELD": ["{key}", "'{key}'", "\"{key}\"", "{word}.{key}", "--{word}", "{word}_{word}", "option {key}", "setting {key}", "directive {key}", "parameter '{key}'"],
    "WHERE": ["{conf}", "{conf}:{num}", "{conf} line {num}", "line {num} of {conf}", "configuration file", "config file {conf}", "{conf}, line {small}, column {small}", "section [{word}]"],
    "WHO": ["user {user}", "{user}", "user '{user}'", "account {user}", "{email}", "client {ip}", "{user}@{ip}", "{user} from {ip}", "remote user {user} ({ip})", "token {hex}", "principal {user}"],
    "DISK": ["{dev}", "/dev/{dev}", "disk {small}", "drive bay {small}", "slot {small}", "PD {small}", "volume {word}", "enclosure {small} drive {small}", "LUN {small}"],
    "UNITHW": ["PSU {small}", "power supply {small}", "fan {small}", "FAN{small}", "DIMM {small}", "CPU{small}", "GPU {small}", "battery", "UPS {word}", "controller {small}", "port {small} optics", "sensor {word}"],
    "QUEUE": ["{word} queue", "thread pool", "connection pool", "worker pool", "request backlog", "{svc} executor", "buffer", "event queue", "inbox of {svc}", "write buffer", "job queue {word}"],
    "OP": ["GET {url}", "query", "request {uuid}", "SELECT on {word}", "write to {path}", "fsync", "commit", "flush of {word}", "transaction {num}", "call to {svc}", "checkpoint", "compaction of {word}", "task {word}", "job {word}", "lookup of {word}", "render of {url}"],
    "OBJ": ["{word}", "{path}", "{svc} cache", "{num} records", "session {token}", "snapshot {small}", "index {word}", "table {word}", "partition {small}", "user profile", "file {path}", "bucket {word}", "job {num}", "certificate for {fqdn}", "image {image}", "listener {addr}", "shard {small}"],
    "CRASH": ["segmentation fault", "SIGSEGV", "signal 11", "signal 6 (SIGABRT)", "core dumped", "assertion failed: {word} != NULL", "panic: runtime error: index out of range [{small}]", "unhandled exception", "java.lang.{exception}", "fatal error", "internal error", "exit code 139", "exit status 2", "exit code 1", "stack overflow", "double free or corruption", "corrupted data", "checksum mismatch"],
}

PATTERNS = """
Ni [[Connected|connected|Successfully connected]] to PEER
Ni Connection to PEER established in {ms}
Ni connection from {addr} accepted
Ni Connection closed by client {addr} after {num} bytes
Ni reconnected to PEER after {small} attempts
Ni recovered from earlier failure, PEER is reachable again
Ni THING [[started|stopped|finished|completed|is ready|initialized|registered|exited with code 0|exited normally|completed successfully]]
Ni THING finished in {ms} with 0 errors
Ni THING: 0 failed, {num} succeeded
Ni THING completed: errors=0 warnings=0 total={num}
Ni No errors found in OBJ
Ni no problems detected
Ni error count reset to 0
Ni error_rate=0.00 p99={ms}
Ni failures: 0, retries: 0, duration: {ms}
Ni Error reporting [[enabled|disabled|initialized]]
Ni Registering error handler for {exception}
Ni Failover to PEER completed
Ni Starting failure detector with timeout {small}s
Ni Loaded OBJ in {ms}
Ni Loading OBJ
Ni Created OBJ
Ni Removed OBJ
Ni Updated OBJ
Ni Deleting expired OBJ
Ni Processing OBJ
Ni Sending OBJ to PEER
Ni Received OBJ from PEER
Ni Received {num} bytes from PEER in {ms}
Nd cache [[hit|miss]] for OBJ
Nd Entering method {word} with argument {num}
Nd timeout set to {small}s for PEER
Nd retry policy: max_attempts=5 backoff={small}s
Nd heartbeat from PEER ok
Ni Health check passed for PEER
Ni health check ok status=200 duration={ms}
Ni OP completed in {ms}
Ni OP took {small} ms
Ni Scheduled THING for {day} {clock}
Ni Listening on {addr}
Ni listening on port {port}
Ni Starting {svc} version {version}
Ni Shutting down gracefully
Ni received SIGTERM, draining connections
Ni Shutdown complete
Ni Reloading configuration from {conf}
Ni configuration reloaded successfully
Ni Configuration OK
Ni Using default value for FIELD
Ni FIELD = {num}
Ni FIELD set to {word}
Ni WHO logged in
Ni WHO logged out
Ni Authentication successful for WHO
Ni password changed for user {user} by administrator
Ni issued token for WHO, expires in {num}s
Ni Access granted to WHO for {url}
Ni Job {num} submitted by {user}
Ni {num} of {num} done ({pct})
Ni progress: {pct}
Ni Memory usage: {size} / {size} ({pct})
Ni disk usage {pct} of {size}
Ni {word}={num} {word}={num} status=ok
Ni Temperature of UNITHW is {temp} C, within limits
Ni DISK: self-test completed without error
Ni DISK attached
Ni UNITHW status OK
Ni UNITHW redundancy restored
Ni link up on {iface}, 10 Gbps full duplex
Ni Elected leader: {host} term {num}
Ni Synchronized with PEER, offset 0.000{small}
Ni backup of OBJ finished, {size} written
Ni Rotating log file {path}
Ni GC pause {ms}, heap {size} -> {size}
Ni Migration {num} applied
Ni skipping OBJ: already up to date
Ni scan of {num} files finished: no threats found
Ni Test suite finished: {num} passed, 0 failed
Nw deprecated FIELD will be removed in version {version}
Nw certificate for {fqdn} will expire in {small}0 days
Ni Exception mapping for {exception} loaded
Ni Added dead letter queue for THING
Ni ignoring duplicate OBJ
Ni waiting for THING to finish
Ni Opened socket to PEER
Ni Marked OBJ as failed=false
Ni Subscribed to topic errors with {small} partitions
Nd parsed header X-Error-Policy: none
N- {word} {word} {num}
N- {svc}: {word} [{num}] {uuid}
N- usage: {word} {pct}, load average: 0.{small}, 0.{small}, 0.{small}
N- {uuid} {url} 200 {ms}
Te [[Failed to connect|failed to connect|Unable to connect|cannot connect|could not connect|Could not establish connection]] to PEER: NETWHYRETRY
Tw Connection to PEER [[lost|failed|dropped|refused|reset|timed out]]RETRY
Tw connection to PEER lost: NETWHYRETRY
Te dial tcp {addr}: connect: NETWHY
Te dial tcp: lookup {fqdn} on {ip}:53: no such host
Te [[could not|Could not|failed to|unable to]] resolve [[host|hostname|address]] {fqdn}: NETWHY
Tw PEER is unreachableRETRY
Ti PEER unreachable, switching to next server
Te Get "http://{fqdn}{url}": NETWHY
Te [[read|write]] tcp {addr}->{addr}: NETWHY
Te Exception while contacting PEER: NETWHY
Te [[send|recv|connect|accept]] failed: NETWHY
Tw THING lost contact with PEERRETRY
Tw no response from PEERRETRY
Tw No heartbeat from PEER for {small} secondsRETRY
Tw {iface}: link down
Ti neighbor {ip} down: [[hold timer expired|peer closed the session|interface down]]
Te bind to {addr} failed: address already in use
Te all servers for {svc} are down
Te 502 Bad Gateway while proxying OP to PEER
Te OP failed: NETWHY
Tw packet loss to PEER {small}%
Te DNS query for {fqdn} failed: SERVFAIL
Te error sending OBJ to PEER: NETWHYRETRY
Ti could not reach PEERRETRY
Tw Session with PEER closed unexpectedlyRETRY
Pw [[Slow|slow]] OP: {slowms}
Pw OP took {slowms}
Pw OP took too long ({slowms}), expected less than 500ms
Pw slow OP duration={slowms} threshold=1000ms
Pe OP timed out after {small}000 ms
Pe OP exceeded deadline of {small}s
Pe context deadline exceeded during OP
Pe TimeoutError: OP did not finish within {small} seconds
Pw QUEUE is full, [[rejecting|dropping|blocking]] new [[requests|events|jobs]]
Pw QUEUE at {hpct} capacity
Pe QUEUE exhausted: {small} active, 0 idle, {num} waiting
Pw QUEUE depth is {num}, consumers cannot keep up
Pe could not get a connection from the pool within {small}s
Pe maximum number of [[connections|clients|sessions|open files|processes|threads]] ({num}) reached
Pe too many [[connections|open files|requests|clients|processes]]
Pe java.lang.OutOfMemoryError: [[Java heap space|GC overhead limit exceeded|unable to create new native thread|Metaspace]]
Pe THING ran out of memory
Pe cannot allocate memory
Pe MemoryError in THING
Pw memory usage {hpct} of limit, evicting OBJ
Pw disk {path} is {hpct} full
Pe No space left on device: {path}
Pe write {path}: no space left on device
Pw GC pause of {slowms}, heap {hpct} used
Pw lag of THING is {big} messages
Pi replication lag {num}s behind primary
Pw CPU usage {hpct} for {small} minutes
Pw event loop blocked for {slowms}
Pw rate limit exceeded for WHO
Pw Throttling PEER: too many requests
Pw clock drift, tick of {word} was {num}000 ms late
Pe database is locked
Pe deadlock detected, OP aborted
Pw THING is overloaded, shedding load
Pe HTTP 503 Service Unavailable: server busy
Pe 504 Gateway Timeout for OP
Pw worker {pid} did not answer for {small}s, killing
Fe THING [[crashed|died|terminated abnormally|exited unexpectedly|aborted]]: CRASH
Fe THING [[crashed|died|failed]]
Fc THING killed by signal [[9|11|6|7]]
Fe THING exited with [[status|code|exit code]] [[1|2|127|134|139|255]]
Fc fatal: CRASH
Fc panic: [[runtime error: invalid memory address or nil pointer dereference|assignment to entry in nil map|unreachable code]]
Fe [[Unhandled|Uncaught|uncaught|unhandled]] exception in THING: {exception}
Fe Unexpected error: java.lang.{exception} at {java}
Fe {java} threw {exception}
Fe Traceback (most recent call last):
Fe [[ValueError|KeyError|TypeError|AttributeError|ZeroDivisionError|AssertionError|IndexError]]: {word}
Fe THING failed after {small} attempts, giving up
Fw THING restarted {small} times, giving up
Fe THING entered [[FATAL|ERROR|FAILED]] state
Fe THING is not responding and was restarted
Fe internal server error while handling OP
Fe 500 Internal Server Error for OP
Fe OP failed: CRASH
Fe OBJ is corrupt: checksum mismatch
Fe data corruption detected in OBJ
Fc cannot recover OBJ, aborting
Fc quorum lost, cluster is read-only
Fe assertion failed at {word}.c:{num}
Fe core dumped
Fe backup of OBJ failed: CRASH
Fc service {svc} gave up
Fi THING terminated by CRASH
Fe replica of OBJ lost
Fe rollback of OBJ failed, state is inconsistent
Fe job {num} failed: CRASH
Fi leader lost, no leader at term {num}
Se [[Authentication|authentication|Login|login]] [[failed|failure]] for WHO
Sw failed login [[attempt|attempts]] for WHO from {ip}
Sw {small} failed login attempts from {ip}
Si invalid [[password|credentials|user|username or password|token|API key|signature]] for WHO
Si bad password for WHO
Si Login incorrect: WHO
Si wrong password: WHO
Si unknown user {user} from {ip}
Sw access denied for WHO to {url}
Sw Access denied: WHO
Se permission denied: WHO may not [[read|write|delete|execute]] {path}
Sw unauthorized [[access|request|connection]] from {ip}
Si 401 Unauthorized for WHO
Si 403 Forbidden: WHO {badpath}
Sw [[Unauthorized|Forbidden]]: WHO is not allowed to access {url}
Sw account of {user} locked after {small} failed attempts
Sw [[possible|suspected|Potential]] [[SQL injection|XSS|path traversal|brute force|port scan|intrusion|SSRF]] [[attempt|attack]] from {ip}
Sw blocked request {badpath} from {ip}
Sw connection from {ip} rejected by access list
Si connection from {ip} denied
Sw banned {ip} after {small} failures
Se signature verification failed for OBJ
Se TLS client certificate of {ip} rejected: unknown ca
Sw CSRF token mismatch for WHO
Sw privilege escalation attempt by {user}
Se token of WHO expired or revoked, request rejected
Sw malware [[found|detected]] in {path}: {word}.Trojan
Sw integrity check: checksum of {path} changed
Si new administrator account {user} created outside of change window by {user}
Sw no matching rule for user {user}, rejecting
Ce [[unknown|Unknown|unrecognized|Unrecognized|invalid|unsupported]] [[option|directive|key|parameter|setting|flag|argument|keyword|field]] FIELD in WHERE
Ce [[unknown|unrecognized|invalid]] [[option|flag|argument|command]]: FIELD
Ce WHERE: [[syntax error|parse error|unexpected token '{word}'|unexpected end of file|invalid syntax near '{word}'|mapping values are not allowed here|unterminated string]]
Ce WHERE: FIELD [[must be a number|must be between 1 and 65535|must not be empty|is required|is not set|is not a valid value|expects an integer|is out of range|is deprecated and was removed]]
Ce [[missing|Missing]] required [[option|setting|key|parameter|argument|environment variable]] FIELD
Ce [[failed|Failed|unable|Unable|could not|cannot]] to [[parse|load|read|validate]] [[configuration|config|config file|settings]] {conf}: [[yaml: line {num}: did not find expected key|invalid character '}' looking for beginning of value|toml: expected '='|No such file or directory|permission denied|unexpected end of input]]
Ce error loading config: open {conf}: no such file or directory
Ce [[config|configuration]] error: FIELD [[is invalid|missing|has wrong type]]
Ce invalid value "{word}" for FIELDTAIL
Ce bad value for FIELD: {word}
Ce value of FIELD is not valid: expected one of [debug info warn error]
Ce {path}: No such file or directory, check FIELD
Ce certificate file {path} not found
Ce cannot open {path} given in FIELD: No such file or directory
Ce [[user|group]] '{word}' given in WHERE does not exist
Ce no such [[module|plugin|driver|backend|handler]]: {word}
Ce [[Unknown|unknown]] [[plugin|driver|backend|codec|log level|format|scheme|dialect]] "{word}"
Ce environment variable {key} is not set
Ce FIELD and FIELD cannot be used together
Ce duplicate definition of FIELD in WHERE
Ce cannot parse FIELD: invalid [[duration|boolean|integer|address|URL|regular expression]] "{word}"
Ce port must be in range 1-65535, got {num}
Ce schema validation failed: FIELD: {word} is not of type '[[integer|string|boolean|array]]'
Ce [[Usage|usage]]: {svc} [options] FILE; try --help
Ce ModuleNotFoundError: No module named '{word}'
Ce Configuration [[test|check]] failed, refusing to start
Ce invalid configuration, keeping the old one
Cw ignoring unknown FIELD in WHERE
Ce private key {path} does not match certificate
Ce [[ImproperlyConfigured|ConfigurationError|ConfigError|ConfigException]]: FIELD [[must be set|is invalid]]
He UNITHW [[failed|failure detected|has failed|not responding|removed|absent|faulty|in critical state]]
He UNITHW [[over temperature|temperature {hot} C above critical threshold|speed below lower critical threshold|voltage out of range]]
Hw UNITHW predicted to fail soon
He DISK [[I/O error|read error|write error|medium error|not ready|failed|removed from array]]
He DISK: [[uncorrectable sector|unrecovered read error|bad block]] at {big}
Hw DISK: reallocated sector count raised to {num}
He RAID array {small} degraded: DISK failed
Hw {num} ECC errors corrected on UNITHW
He uncorrectable ECC error on UNITHW
He hardware error on {pci}
He device {dev}: Input/output error
Hw on battery power, UNITHW charge {small}%
He lost power on feed {word}, UNITHW
He bus error on {pci}, device reset
Te cannot contact PEER
Ti still no answer from PEER, asking again
Ti PEER does not pick up, attempt {small}
Pw refused a new NOUN, all {num} are taken
Pw turned away client {addr}: NOUN capacity used up
Ce NOUN: {key} has to be positive
Ce {key} makes no sense without {key}
Ce this build has no support for NOUN {word}
Ce option --{word} needs a value
Fw NOUN {num} went into failure mode
Te NOUN manager lost its connection to PEERRETRY
Tw NOUN channel to PEER broken: NETWHY
Tw NOUN stream closed by PEER before the end
Ti switching away from unreachable NOUN server {addr}
Fe NOUN NOUN crashed: CRASH
Fe could not recover NOUN {num}: CRASH
Fe NOUN failed permanently after CRASH
Fe error in NOUN handler: {exception}
Fe unexpected exception in NOUN: CRASH
Fe NOUN {word} is corrupted
Fw NOUN manager aborted {word}: CRASH
Pw NOUN pool exhausted
Pw NOUN took {slowms}, limit is 1000 ms
Pw slow NOUN detected: {slowms}
Pe NOUN limit ({num}) reached, no more allowed
Pw NOUN backlog grows: {big} waiting
Pe timeout waiting for NOUN after {small} seconds
Ce unsupported version of NOUN definition in WHERE
Ce '{word}' is not a known NOUN
Ce NOUN "{word}" not found, check FIELD
Ce error: argument -{word}: invalid int value: '{word}'
Ce more than one NOUN defined in WHERE
Ce undefined NOUN {word} in WHERE
Ce bad NOUN specification '{word}'
Se NOUN access denied for WHO
Si NOUN: rejecting WHO, wrong credentials
Sw WHO tried to open NOUN without permission
Sw repeated login failures of WHO on NOUN
He NOUN hardware fault on UNITHW
He DISK: command failed, sense key [[Medium Error|Hardware Error]]
He DISK status: error, aborted command
Hw CRC errors on cable of port {small} rising, check SFP
"""

PARTS["NOUN"] = NOUNS
PARTS["TAIL"] = ["", "", ": expected integer", ", using default", " in {conf}"]
_NAMES = "quillo nimbusd zephyr-agent ratchet orbitd lumen-api harborctl tidal pinecone-sync myapp backendd crate-indexer fluxor brightd acme-gateway sparrow relayd mosaic tern opsbot kestreld plover dunlin".split()


def _expand(rng, pattern: str) -> str:
    # Longest part names first, so that UNITHW is not read as another part.
    for name in sorted(PARTS, key=len, reverse=True):
        while name in pattern:
            pattern = pattern.replace(name, rng.choice(PARTS[name]), 1)
    return pattern


def composed_programs(rng, variants: int) -> list[Program]:
    """Invented programs, each with its own draw of the parts of every pattern."""
    patterns = [line for line in PATTERNS.strip("\n").splitlines() if line.strip()]
    result = []
    for name in _NAMES:
        headers = rng.sample(["syslog", "log4j", "python", "plain", "json", "logfmt", "klog", "go", "none", "iso", "rfc5424"], 3)
        shapes = []
        for line in rng.sample(patterns, min(len(patterns), variants)):
            shapes.append(Shape(CODES[line[0]], line[1], _expand(rng, line[3:])))
        result.append(Program(name, headers, shapes, invented=True))
    return result
