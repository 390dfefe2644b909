"""Shapes of web servers, proxies, mail, FTP and caches."""

from corpus.grammar import program

PROGRAMS = [
    program("nginx", "plain none", """
N- {ip} - - [22/Mar/2026:{clock} +0000] "[[GET|POST|HEAD|PUT]] {url} HTTP/1.1" [[200|200|200|201|204|206|301|302|304]] {num} "-" "{agent}"
N- {ip} - {user} [22/Mar/2026:{clock} +0000] "GET /errors/report.html HTTP/2.0" 200 {num} "https://{fqdn}/" "{agent}" rt=0.0{small}
Nn {pid}#{pid}: signal process started
Nn {pid}#{pid}: using the "epoll" event method
Nn {pid}#{pid}: start worker process {pid}
Nn {pid}#{pid}: worker process {pid} exited with code 0
Nn {pid}#{pid}: gracefully shutting down
Ni configuration file {conf} test is successful
Te {pid}#{pid}: *{num} connect() failed (111: Connection refused) while connecting to upstream, client: {ip}, server: {fqdn}, upstream: "http://{addr}{url}"
Te {pid}#{pid}: *{num} recv() failed (104: Connection reset by peer) while reading response header from upstream
Te {pid}#{pid}: *{num} no live upstreams while connecting to upstream
Te {pid}#{pid}: *{num} upstream prematurely closed connection while reading response header from upstream
Te {pid}#{pid}: *{num} {fqdn} could not be resolved (3: Host not found)
Te {pid}#{pid}: *{num} connect() to {addr} failed (113: No route to host) while connecting to upstream
Tc {pid}#{pid}: bind() to 0.0.0.0:80 failed (98: Address already in use)
T- {ip} - - [22/Mar/2026:{clock} +0000] "GET {url} HTTP/1.1" 502 {num} "-" "{agent}"
Pe {pid}#{pid}: *{num} upstream timed out (110: Connection timed out) while reading response header from upstream, client: {ip}
Pe {pid}#{pid}: {num} worker_connections are not enough
Pe {pid}#{pid}: *{num} limiting requests, excess: {small}.{num} by zone "api", client: {ip}
Pc {pid}#{pid}: accept4() failed (24: Too many open files)
Pw {pid}#{pid}: *{num} an upstream response is buffered to a temporary file {path} while reading upstream
P- {ip} - - [22/Mar/2026:{clock} +0000] "GET {url} HTTP/1.1" 504 {num} "-" "{agent}" rt=60.00{small}
Fc {pid}#{pid}: worker process {pid} exited on signal [[11|9|6]] (core dumped)
F- {ip} - - [22/Mar/2026:{clock} +0000] "GET {url} HTTP/1.1" 500 {num} "-" "{agent}"
Fc {pid}#{pid}: unlink() {path} failed; cache manager aborted
Cc unknown directive "{key}" in {conf}:{num}
Cc invalid number of arguments in "{key}" directive in {conf}:{num}
Cc unexpected "}" in {conf}:{num}
Cc cannot load certificate "{path}": BIO_new_file() failed (SSL: error:80000002:system library::No such file or directory)
Cc host not found in upstream "{fqdn}" in {conf}:{num}
Cw conflicting server name "{fqdn}" on 0.0.0.0:80, ignored
Cc "{key}" directive is duplicate in {conf}:{num}
Cc getpwnam("{user}") failed in {conf}:{num}
Se {pid}#{pid}: *{num} access forbidden by rule, client: {ip}, server: {fqdn}, request: "GET {badpath} HTTP/1.1"
Se {pid}#{pid}: *{num} user "{user}": password mismatch, client: {ip}, server: {fqdn}
Se {pid}#{pid}: *{num} user "{user}" was not found in "{path}", client: {ip}
S- {ip} - - [22/Mar/2026:{clock} +0000] "GET {badpath} HTTP/1.1" [[403|404|400]] {num} "-" "{agent}"
S- {ip} - {user} [22/Mar/2026:{clock} +0000] "POST /login HTTP/1.1" 401 {num} "-" "{agent}"
"""),
    program("httpd", "bracket plain", """
Nn AH00489: Apache/{version} (Ubuntu) configured -- resuming normal operations
Nn AH00094: Command line: '/usr/sbin/apache2'
Nn AH00491: caught SIGTERM, shutting down
Nn Graceful restart requested, doing restart
Nn Digest: generating secret for digest authentication ...
Nn Digest: done
Nn LDAP: Built with OpenLDAP LDAP SDK
Nn suEXEC mechanism enabled (wrapper: /usr/sbin/suexec)
Nn child process {pid} still did not exit, sending a SIGTERM during planned restart
Ne File does not exist: /var/www/html/favicon.ico
N- {ip} - - [22/Mar/2026:{clock} +0000] "GET {url} HTTP/1.1" 200 {num} "-" "{agent}"
Fn AH00052: child pid {pid} exit signal Segmentation fault (11)
Fe (12)Cannot allocate memory: fork: Unable to fork new process
Fe AH02818: cgid daemon process died, restarting failed
Fe End of script output before headers: {word}.cgi
Fe PHP Fatal error:  Uncaught Error: Call to a member function {word}() on null in {path}:{num}
Pe AH00161: server reached MaxRequestWorkers setting, consider raising the MaxRequestWorkers setting
Pe AH00485: scoreboard is full, not at MaxRequestWorkers
Pw AH01075: Error dispatching request to : (reading input brigade) Script timed out before returning headers: {word}.cgi
Pe (70007)The timeout specified has expired: AH01102: error reading status line from remote server {addr}
Te (111)Connection refused: AH00957: HTTP: attempt to connect to {addr} ({fqdn}) failed
Te AH01114: HTTP: failed to make connection to backend: {fqdn}
Te (104)Connection reset by peer: AH01030: ajp_ilink_receive() can't receive header
Te DNS lookup failure for: {fqdn} returned by {url}
Ce AH00526: Syntax error on line {num} of {conf}: Invalid command '{key}', perhaps misspelled or defined by a module not included in the server configuration
Ce AH00558: Could not reliably determine the server's fully qualified domain name, using {ip}. Set the 'ServerName' directive
Ce SSLCertificateFile: file '{path}' does not exist or is empty
Ce Cannot load {path} into server: cannot open shared object file: No such file or directory
Ce <VirtualHost> was not closed. in {conf}
Se [client {addr}] AH01630: client denied by server configuration: {path}
Se [client {addr}] user {user}: authentication failure for "{url}": Password Mismatch
Se [client {addr}] AH01618: user {user} not found: {url}
Se [client {addr}] ModSecurity: Access denied with code 403 (phase 2). Pattern match "(?i)union.*select" at ARGS:id. [severity "CRITICAL"] [uri "{badpath}"]
Se [client {ip}] AH10244: invalid URI path ({badpath})
Se [client {ip}] script not found or unable to stat: /cgi-bin/[[awstats.pl|phf|test.cgi]] probe, request GET {badpath}
"""),
    program("haproxy", "syslog plain", """
Ni Proxy {svc} started.
Nn New worker #1 ({pid}) forked
Ni {addr} [22/Mar/2026:{clock}.{num}] http-in {svc}/{host} 0/0/1/{small}/{small} 200 {num} - - ---- 1/1/0/0/0 0/0 "GET {url} HTTP/1.1"
Nn Health check for server {svc}/{host} succeeded, reason: Layer7 check passed, code: 200, check duration: {ms}, status: 3/3 UP.
Nn Server {svc}/{host} is UP, reason: Layer7 check passed, code: 200
Tc Server {svc}/{host} is DOWN, reason: Layer4 connection problem, info: "Connection refused", check duration: {ms}. 0 active and 0 backup servers left.
Tc Server {svc}/{host} is DOWN, reason: Layer4 timeout, check duration: {slowms}
Tc backend {svc} has no server available!
Ti {addr} [22/Mar/2026:{clock}.{num}] http-in {svc}/{host} 0/0/-1/-1/{num} 503 {num} - - SC-- 1/1/0/0/3 0/0 "GET {url} HTTP/1.1"
Pi {addr} [22/Mar/2026:{clock}.{num}] http-in {svc}/{host} 0/30001/-1/-1/30001 503 {num} - - sQ-- 900/800/0/0/0 0/0 "GET {url} HTTP/1.1"
Pi {addr} [22/Mar/2026:{clock}.{num}] http-in {svc}/{host} 0/0/2/-1/60002 504 {num} - - sH-- 10/8/7/1/0 0/0 "GET {url} HTTP/1.1"
Pw Proxy {svc} reached process FD limit (maxsock={num}). Please check 'ulimit-n' and restart.
Ce parsing [{conf}:{num}] : unknown keyword '{key}' in 'backend' section
Ce Fatal errors found in configuration.
Ce parsing [{conf}:{num}]: 'bind {addr}' : unable to load SSL private key from PEM file '{path}'.
Ce config : proxy '{svc}' has no listener, backend '{word}' not found
Tc Starting frontend {svc}: cannot bind socket (Address already in use) [0.0.0.0:{port}]
Si {addr} [22/Mar/2026:{clock}.{num}] https-in~ https-in/<NOSRV> -1/-1/-1/-1/0 403 {num} - - PR-- 1/1/0/0/0 0/0 "GET {badpath} HTTP/1.1"
Fc Current worker #1 ({pid}) exited with code 139 (Segmentation fault)
"""),
    program("envoy", "plain json", """
Ni lds: add/update listener '{svc}'
Ni cds: add {small} cluster(s), remove 0 cluster(s)
Ni all dependencies initialized. starting workers
Ni starting main dispatch loop
Ni shutting down parent after drain
Tw [source/common/upstream] cluster '{svc}' upstream connect error or disconnect/reset before headers. reset reason: connection failure
Tw gRPC config stream closed: 14, connection error: desc = "transport: Error while dialing dial tcp {addr}: connect: connection refused"
Tw dns resolution for {fqdn} failed with c-ares status 4
Pw response flags UO upstream_reset_before_response_started overflow circuit breaker open for {svc}
Pw upstream request timeout, response flag UT, duration {slowms}
Ce error initializing configuration '{conf}': Protobuf message (type envoy.config.bootstrap.v3.Bootstrap) has unknown fields
Ce Didn't find a registered implementation for name: '{word}'
Fc Caught Segmentation fault, suspect faulting address 0x{hex}
Sw rbac_access_denied_matched_policy[none] request to {url} denied for {ip}
"""),
    program("postfix", "syslog iso", """
Ni {hex}: from=<{email}>, size={num}, nrcpt=1 (queue active)
Ni {hex}: to=<{email}>, relay={fqdn}[{ip}]:25, delay={sec}, delays=0.1/0/0.2/0.3, dsn=2.0.0, status=sent (250 2.0.0 Ok: queued as {hex})
Ni {hex}: removed
Ni connect from {fqdn}[{ip}]
Ni disconnect from {fqdn}[{ip}] ehlo=1 mail=1 rcpt=1 data=1 quit=1 commands=5
Ni {hex}: message-id=<{token}@{domain}>
Ni daemon started -- version {version}, configuration /etc/postfix
Ni statistics: max connection rate 1/60s for (smtp:{ip})
Ni {hex}: uid={num} from=<root>
Ti connect to {fqdn}[{ip}]:25: [[Connection refused|Connection timed out|No route to host]]
Ti {hex}: to=<{email}>, relay=none, delay={num}, dsn=4.4.1, status=deferred (connect to {fqdn}[{ip}]:25: Connection timed out)
Ti {hex}: to=<{email}>, relay=none, status=deferred (Host or domain name not found. Name service error for name={domain} type=MX: Host not found, try again)
Ti lost connection after [[DATA|RCPT|EHLO]] from {fqdn}[{ip}]
Tw {hex}: lost connection with {fqdn}[{ip}] while sending end of data
Si warning: {fqdn}[{ip}]: SASL [[LOGIN|PLAIN]] authentication failed: UGFzc3dvcmQ6
Si NOQUEUE: reject: RCPT from {fqdn}[{ip}]: 554 5.7.1 <{email}>: Relay access denied; from=<{email}> to=<{email}> proto=ESMTP helo=<{host}>
Si NOQUEUE: reject: RCPT from unknown[{ip}]: 554 5.7.1 Service unavailable; Client host [{ip}] blocked using zen.spamhaus.org
Sw warning: hostname {fqdn} does not resolve to address {ip}
Pw warning: process {path} pid {pid} exceeded the time limit; connection queue growing
Pw warning: service "smtp" (25) has reached its process limit "100": new clients may experience noticeable delays
Pc fatal: file write error: No space left on device
Pw {hex}: insufficient system storage, message queue file system full
Ce fatal: bad string length 0 < 1: {key} =
Ce fatal: open database {path}.db: No such file or directory
Ce warning: {conf}, line {num}: overriding earlier entry: {key}
Ce fatal: {conf}: unknown {key} parameter value "{word}"
Fw warning: process /usr/lib/postfix/sbin/smtpd pid {pid} killed by signal 11
Fw warning: /usr/lib/postfix/sbin/qmgr: bad command startup -- throttling
"""),
    program("dovecot", "syslog plain", """
Ni imap-login: Login: user=<{email}>, method=PLAIN, rip={ip}, lip={ip}, mpid={pid}, TLS, session=<{token}>
Ni imap({user})<{pid}><{token}>: Disconnected: Logged out in={num} out={num} deleted=0
Ni lmtp({email}): saved mail to INBOX
Ni master: Dovecot v{version} starting up for imap, lmtp (core dumps disabled)
Si imap-login: Disconnected (auth failed, {small} attempts in {small} secs): user=<{email}>, method=PLAIN, rip={ip}, lip={ip}
Si auth: passwd-file({email},{ip}): Password mismatch
Si auth-worker({pid}): pam({user},{ip}): unknown user
Ti imap({user}): Connection closed: read() failed: Connection reset by peer in=0 out=0
Te auth: ldap: Can't connect to server: {fqdn}
Pw master: service(imap-login): process_limit ({num}) reached, client connections are being dropped
Pe imap({user}): mmap() failed: Cannot allocate memory, vsz_limit reached
Pe lmtp({email}): Quota exceeded (mailbox for user is full)
Cc doveconf: Fatal: Error in configuration file {conf} line {num}: Unknown setting: {key}
Ce ssl_cert: Can't open file {path}: No such file or directory
Fc imap({user}): Panic: file mail-index-transaction-finish.c: line {num}: assertion failed
Fe master: service(imap): child {pid} killed with signal 11 (core dumped)
"""),
    program("vsftpd", "syslog plain", """
Ni CONNECT: Client "{ip}"
Ni [{user}] OK LOGIN: Client "{ip}"
Ni [{user}] OK UPLOAD: Client "{ip}", "{path}", {num} bytes, 90.1Kbyte/sec
Ni [{user}] OK DOWNLOAD: Client "{ip}", "{path}", {num} bytes
Si [{user}] FAIL LOGIN: Client "{ip}"
Si [{user}] FAIL DELETE: Client "{ip}", "{path}", permission denied
Te 426 Failure writing network stream.
Pw 421 There are too many connected users, please try later.
Ce 500 OOPS: unrecognised variable in config file: {key}
Ce 500 OOPS: bad bool value in config file for: {key}
"""),
    program("squid", "plain syslog", """
N- {num}.{small} {num} {ip} TCP_MISS/200 {num} GET http://{fqdn}{url} - HIER_DIRECT/{ip} text/html
Ni Processing Configuration File: {conf} (depth 0)
Ni Accepting HTTP Socket connections at local=[::]:3128
Ni Store rebuilding is {pct} complete
Ni storeDirWriteCleanLogs: Starting...
T- {num}.{small} {num} {ip} TCP_MISS/503 {num} GET http://{fqdn}{url} - HIER_NONE/- text/html
Te TCP connection to {fqdn}/{port} failed
Si {num}.{small} 0 {ip} TCP_DENIED/[[403|407]] {num} CONNECT {fqdn}:443 - HIER_NONE/- text/html
Pw WARNING! Your cache is running out of filedescriptors
Pw WARNING: Disk space over limit: {num} KB > {num} KB
Pe WARNING: All {small}/{small} basicauthenticator processes are busy.
Cc FATAL: Bungled {conf} line {small}: acl {word} {word}
Cc FATAL: Unable to open configuration file: {conf}: (2) No such file or directory
Fc FATAL: Received Segment Violation...dying.
Fc FATAL: The {word} helpers are crashing too rapidly, need help!
"""),
    program("traefik", "json logfmt plain", """
Ni Configuration loaded from file: {conf}
Ni Starting provider *file.Provider
Nd Serving default certificate for request: "{fqdn}"
Ni Server stopped
Nd Creating middleware routerName={svc}@docker middlewareType=Recovery
Te error while dialing backend: dial tcp {addr}: connect: no route to host
Td '502 Bad Gateway' caused by: dial tcp {addr}: connect: connection refused
Te Unable to obtain ACME certificate for domains "{fqdn}": acme: error: 400 :: dns lookup of {fqdn} failed
Pd '504 Gateway Timeout' caused by: context deadline exceeded (Client.Timeout exceeded while awaiting headers)
Ce error building TLS config: unable to load X509 key pair: open {path}: no such file or directory
Ce middleware "{word}@file" does not exist
Ce command traefik error: field not found, node: {key}
Sw authentication failed for user {user} from {ip} in basic auth middleware
"""),
    program("tomcat", "log4j plain", """
Ni Server startup in [{num}] milliseconds
Ni Deployment of web application archive [{path}.war] has finished in [{num}] ms
Ni Starting ProtocolHandler ["http-nio-8080"]
Ni At least one JAR was scanned for TLDs yet contained no TLDs. Enable debug logging for this logger for a complete list of JARs that were scanned but no TLDs were found in them.
Ni The Apache Tomcat Native library which allows using OpenSSL was not found on the java.library.path
Ni Pausing ProtocolHandler ["ajp-nio-8009"]
Ni No global error page configured, using ErrorReportValve defaults
Fe Servlet.service() for servlet [{word}] in context with path [/{svc}] threw exception java.lang.{exception}
Fe One or more listeners failed to start. Full details will be found in the appropriate container log file
Fe Context [/{svc}] startup failed due to previous errors
Pe All threads (200) are currently busy, waiting. Increase maxThreads (200) or check the servlet status
Pw Connection pool exhausted: Timeout: Pool empty. Unable to fetch a connection in 30 seconds, none available[size:100; busy:100; idle:0; lastwait:30000].
Pw Creation of SecureRandom instance for session ID generation using [SHA1PRNG] took [{num}000] milliseconds.
Pw The web application [{svc}] appears to have started a thread named [{word}] but has failed to stop it. This is very likely to create a memory leak.
Te Failed to initialize connector [Connector["http-nio-{port}"]] java.net.BindException: Address already in use
Ti Error reading request, ignored: java.net.SocketException: Connection reset
Sw An attempt was made to authenticate the locked user [{user}]
Si Invalid character found in method name [0x16 0x03 0x01]. HTTP method names must be tokens, client {ip}
Cw Parse error in application web.xml file at [{path}] org.xml.sax.SAXParseException; lineNumber: {num}
Cw [SetPropertiesRule] Match [Server/Service/Connector] failed to set property [{key}] to [{word}]
"""),
    program("php-app", "plain bracket", """
Ni NOTICE: fpm is running, pid {pid}
Nn NOTICE: ready to handle connections
Nn NOTICE: exiting, bye-bye!
Nn PHP Deprecated:  Function {word}() is deprecated in {path} on line {num}
Fe PHP Fatal error:  Uncaught TypeError: {word}(): Argument #1 must be of type string, null given in {path}:{num}
Fe PHP Parse error:  syntax error, unexpected token "}" in {path} on line {num}
Fw [pool www] child {pid} exited on signal 11 (SIGSEGV - core dumped) after {sec} seconds from start
Pw [pool www] server reached pm.max_children setting ({num}), consider raising it
Pw [pool www] child {pid}, script '{path}' (request: "GET {url}") executing too slow ({sec} sec), logging
Pw [pool www] child {pid}, script '{path}' (request: "POST {url}") execution timed out ({sec} sec), terminating
Pe PHP Fatal error:  Allowed memory size of {big} bytes exhausted (tried to allocate {num} bytes) in {path} on line {num}
Pe PHP Fatal error:  Maximum execution time of 30 seconds exceeded in {path} on line {num}
Te PHP Warning:  mysqli::__construct(): (HY000/2002): Connection refused in {path} on line {num}
Te PHP Warning:  file_get_contents(): php_network_getaddresses: getaddrinfo failed: Name or service not known
Ce ERROR: [{conf}:{num}] unknown entry '{key}'
Ce ERROR: failed to load configuration file '{conf}'
Ce ALERT: [pool www] user has not been defined
Ce PHP Warning:  PHP Startup: Unable to load dynamic library '{word}.so' (tried: {path})
Se WordPress: authentication failure for {user} from {ip}
Sw wp(fail2ban): Blocked user enumeration attempt from {ip}
"""),
]
