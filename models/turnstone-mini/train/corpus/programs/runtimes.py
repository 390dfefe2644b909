"""Shapes of language runtimes, frameworks and supervisors."""

from corpus.grammar import program

PROGRAMS = [
    program("jvm-app", "log4j json none", """
Ni Started {svc}Application in {sec} seconds (process running for {sec})
Ni HikariPool-1 - Start completed.
Ni HikariPool-1 - Shutdown initiated...
Ni Tomcat started on port(s): 8080 (http) with context path ''
Ni Initializing ExecutorService 'applicationTaskExecutor'
Ni GC(7) Pause Young (Normal) (G1 Evacuation Pause) {num}M->{num}M({num}M) {small}.{num}ms
Ni Mapped "{/error}" onto public org.springframework.http.ResponseEntity
Ni Adding welcome page template: index, ErrorPageFilter registered
Ni o.s.b.a.e.web.EndpointLinksResolver: Exposing {small} endpoint(s) beneath base path '/actuator'
Nd Resolved [org.springframework.web.HttpRequestMethodNotSupportedException: Request method 'HEAD' not supported]
Fe Servlet.service() for servlet [dispatcherServlet] threw exception [Request processing failed] with root cause java.lang.{exception}
Fe Exception in thread "main" java.lang.{exception}: {word}
Fe Application run failed
Fe Exception in thread "{svc}-worker-{small}" java.lang.StackOverflowError
Fc # A fatal error has been detected by the Java Runtime Environment:
Fc # SIGSEGV (0xb) at pc=0x{hex}, pid={pid}, tid={pid}
Fe Caused by: java.lang.{exception}: Cannot invoke "{word}" because "{word}" is null
Fe Transaction rolled back because it has been marked as rollback-only after {exception}
Pe Exception in thread "{svc}" java.lang.OutOfMemoryError: Java heap space
Pw HikariPool-1 - Connection is not available, request timed out after 30000ms.
Pw HikariPool-1 - Thread starvation or clock leap detected (housekeeper delta={small}m).
Pi GC(9) Pause Full (Allocation Failure) {num}M->{num}M({num}M) {slowms}
Pe java.util.concurrent.RejectedExecutionException: Task rejected from ThreadPoolExecutor[Running, pool size = {num}, active threads = {num}, queued tasks = {num}]
Pe java.net.SocketTimeoutException: Read timed out
Te java.net.ConnectException: Connection refused: {fqdn}/{addr}
Te Caused by: java.net.SocketException: Connection reset
Te java.net.UnknownHostException: {fqdn}: Name or service not known
Tw I/O error on GET request for "http://{fqdn}{url}": Connection refused; nested exception is java.net.ConnectException
Te com.mysql.cj.jdbc.exceptions.CommunicationsException: Communications link failure
Ce Failed to configure a DataSource: 'url' attribute is not specified and no embedded datasource could be configured.
Ce Could not resolve placeholder '{key}' in value "${{key}}"
Ce Web server failed to start. Port {port} was already in use.
Ce Failed to bind properties under '{key}' to java.lang.Integer: value "{word}"
Ce Error creating bean with name '{word}': Unsatisfied dependency, no qualifying bean of type '{java}'
Ce Error: Could not find or load main class {java}
Ce Unrecognized VM option '{word}' Error: Could not create the Java Virtual Machine.
Sw Authentication failed for {user}: Bad credentials
Sw o.s.s.w.a.AuthenticationFilter: Access is denied for {user} on {url}
Sw io.jsonwebtoken.security.SignatureException: JWT signature does not match locally computed signature, from {ip}
"""),
    program("python-app", "python none", """
Ni Booting worker with pid: {pid}
Ni "GET {url} HTTP/1.1" 200 {num}
Ni Application startup complete.
Ni Task {svc}.tasks.{word}[{uuid}] succeeded in {sec}s: None
Ni Task {svc}.tasks.{word}[{uuid}] received
Ni Watching for file changes with StatReloader
Ni Applying {word}.0002_error_codes... OK
Ni System check identified no issues (0 silenced).
Ni Scheduler started, {small} jobs, 0 failed
Nd Using selector: EpollSelector
Nd Starting new HTTPS connection (1): {fqdn}:443
Fe Internal Server Error: {url}
Fe Traceback (most recent call last):
Fe   File "{path}.py", line {num}, in {word} raise ValueError("{word}")
Fe KeyError: '{word}'
Fe AttributeError: 'NoneType' object has no attribute '{word}'
Fe TypeError: unsupported operand type(s) for +: 'int' and 'str'
Fe ZeroDivisionError: float division by zero
Fe Task {svc}.tasks.{word}[{uuid}] raised unexpected: RuntimeError('{word}')
Fe Process 'ForkPoolWorker-{small}' pid:{pid} exited with 'signal 9 (SIGKILL)'
Fe Fatal Python error: Segmentation fault
Fe json.decoder.JSONDecodeError: Expecting value: line 1 column 1 (char 0)
Fe sqlalchemy.exc.IntegrityError: (psycopg2.errors.UniqueViolation) duplicate key value violates unique constraint "{word}_pkey"
Fe sqlite3.DatabaseError: database disk image is malformed
Fe Exception in worker process
Pe MemoryError
Pc Worker (pid:{pid}) exceeded the request limit of {small}s, aborting worker
Pe TimeoutError: QueuePool limit of size {small} overflow {small} exceeded while waiting {small}s
Pe asyncio.exceptions.TimeoutError
Pe requests.exceptions.ReadTimeout: HTTPSConnectionPool(host='{fqdn}', port=443): Read timed out. (read timeout={small})
Pw Executing <Task pending name='Task-{num}' coro=<{word}()>> took {sec} seconds
Pe OSError: [Errno 24] Too many open files: '{path}'
Pe OSError: [Errno 28] No space left on device
Pw Run time of job "{word} (trigger: interval[0:00:01])" was missed by 0:00:0{small}
Pe Hard time limit ({num}s) exceeded for {svc}.tasks.{word}[{uuid}]
Te ConnectionRefusedError: [Errno 111] Connect call failed ('{ip}', {port})
Te psycopg2.OperationalError: could not connect to server: Connection refused. Is the server running on host "{host}" ({ip}) and accepting TCP/IP connections on port 5432?
Te requests.exceptions.ConnectionError: ('Connection aborted.', RemoteDisconnected('Remote end closed connection without response'))
Te socket.gaierror: [Errno -2] Name or service not known
Te redis.exceptions.ConnectionError: Error 111 connecting to {addr}. Connection refused.
Te BrokenPipeError: [Errno 32] Broken pipe
Te aiohttp.client_exceptions.ServerDisconnectedError: Server disconnected
Te kombu.exceptions.OperationalError: [Errno 113] No route to host
Ce ImportError: cannot import name '{word}' from '{svc}' ({path}.py)
Ce django.core.exceptions.ImproperlyConfigured: The {key} setting must not be empty.
Ce pydantic.ValidationError: 1 validation error for Settings {key} field required
Ce configparser.NoSectionError: No section: '{word}'
Ce yaml.scanner.ScannerError: while scanning for the next token found character '\\t' that cannot start any token in "{conf}", line {num}
Ce usage: {svc} [-h] [--{word} N] error: unrecognized arguments: --{key}
Ce Error: Invalid value for '--port': '{word}' is not a valid integer.
Ce ModuleNotFoundError: No module named '{svc}'
Ce FileNotFoundError: [Errno 2] No such file or directory: '{conf}'
Sw Forbidden (CSRF token missing.): {url}
Sw Invalid HTTP_HOST header: '{fqdn}'. You may need to add '{fqdn}' to ALLOWED_HOSTS.
Sw Login attempt failed for username {user} from {ip}
Si "POST /login HTTP/1.1" 401 {num} from {ip}
"""),
    program("node-app", "json plain none", """
Ni Server listening on http://0.0.0.0:{port}
Ni GET {url} 200 {small}.{num} ms - {num}
Ni webpack compiled successfully in {num} ms
Ni [nodemon] watching extensions: js,mjs,json
Ni Connected to MongoDB
Ni (node:{pid}) ExperimentalWarning: The Fetch API is an experimental feature.
Ni job {num} completed, 0 errors
Fe Uncaught TypeError: Cannot read properties of undefined (reading '{word}')
Fe UnhandledPromiseRejection: This error originated either by throwing inside of an async function without a catch block
Fe ReferenceError: {word} is not defined
Fe npm ERR! code ELIFECYCLE errno 1
Fe [nodemon] app crashed - waiting for file changes before starting...
Fe GET {url} 500 {small}.{num} ms - {num}
Fe SyntaxError: Unexpected token '<', "<!DOCTYPE " is not valid JSON
Fe PM2 | App [{svc}:{small}] exited with code [1] via signal [SIGSEGV]
Pe FATAL ERROR: Reached heap limit Allocation failed - JavaScript heap out of memory
Pw (node:{pid}) MaxListenersExceededWarning: Possible EventEmitter memory leak detected. 11 {word} listeners added.
Pe Error: timeout of {small}000ms exceeded
Pw event loop delay p99 {slowms}
Pe Error: EMFILE: too many open files, open '{path}'
Pe TimeoutError: ResourceRequest timed out, knex: Timeout acquiring a connection. The pool is probably full.
Te Error: connect ECONNREFUSED {addr}
Te Error: getaddrinfo ENOTFOUND {fqdn}
Te Error: read ECONNRESET at TLSWrap.onStreamRead
Te Error: connect ETIMEDOUT {addr}
Te FetchError: request to https://{fqdn}{url} failed, reason: socket hang up
Te Error: listen EADDRINUSE: address already in use :::{port}
Te Error: getaddrinfo EAI_AGAIN {fqdn}
Ce Error: Cannot find module '{word}' Require stack: - {path}.js
Ce Error: Missing required environment variable {key}
Ce TypeError [ERR_INVALID_ARG_TYPE]: The "{key}" option must be of type number. Received type string
Ce npm ERR! code EJSONPARSE Failed to parse package.json
Ce RangeError [ERR_SOCKET_BAD_PORT]: options.port should be >= 0 and < 65536. Received {num}
Ce node: bad option: --{word}
Sw JsonWebTokenError: invalid signature for user {user}
Sw Login failed for {email}: wrong password (ip {ip})
"""),
    program("golang", "go json logfmt", """
Ni http: Server listening on {addr}
Ni starting {svc} version=v{version} commit={hex}
Ni request completed method=GET path={url} status=200 duration={ms}
Ni connected to database host={host} db={word}
Ni successfully renewed lease {ns}/{svc}
Ni graceful shutdown complete err=<nil>
Fc panic: runtime error: index out of range [{small}] with length {small}
Fc fatal error: concurrent map writes
Fc panic: interface conversion: interface {} is nil, not string
Fe http: panic serving {addr}: runtime error: invalid memory address or nil pointer dereference
Fe goroutine {num} [running]: main.main()
Fc fatal error: all goroutines are asleep - deadlock!
Pe context deadline exceeded (Client.Timeout exceeded while awaiting headers)
Pc fatal error: runtime: out of memory
Pe pq: sorry, too many clients already
Pe rpc error: code = ResourceExhausted desc = grpc: received message larger than max
Pw slow sql query elapsed={slowms} rows={num}
Te dial tcp {addr}: connect: connection refused
Te dial tcp: lookup {fqdn} on {ip}:53: server misbehaving
Te rpc error: code = Unavailable desc = connection error: desc = "transport: Error while dialing"
Te read tcp {addr}->{addr}: read: connection reset by peer
Te write tcp {addr}->{addr}: write: broken pipe
Tc listen tcp :{port}: bind: address already in use
Te http: proxy error: EOF
Ce flag provided but not defined: -{word}
Ce yaml: unmarshal errors: line {num}: cannot unmarshal !!str `{word}` into int
Ce required key {key} missing value
Ce open {conf}: no such file or directory
Ce time: invalid duration "{word}" for {key}
Se rpc error: code = Unauthenticated desc = invalid token for {user}
Sw rpc error: code = PermissionDenied desc = {user} is not allowed to call {word}
Si http: TLS handshake error from {addr}: tls: unknown certificate authority
"""),
    program("dotnet", "plain none json", """
Ni Now listening on: http://[::]:{port}
Ni Application started. Press Ctrl+C to shut down.
Ni Request finished HTTP/1.1 GET http://{fqdn}{url} - 200 - {ms}
Ni Executed DbCommand ({small}ms) [Parameters=[], CommandType='Text', CommandTimeout='30']
Ni Hosting environment: Production
Fe Unhandled exception. System.NullReferenceException: Object reference not set to an instance of an object.
Fe An unhandled exception has occurred while executing the request. System.InvalidOperationException: Sequence contains no elements
Fe Process terminated. System.AccessViolationException
Fc Application terminated unexpectedly: BackgroundService failed
Pe System.OutOfMemoryException: Exception of type 'System.OutOfMemoryException' was thrown.
Pe Microsoft.Data.SqlClient.SqlException: Timeout expired. The timeout period elapsed prior to completion of the operation
Pe System.InvalidOperationException: Timeout expired prior to obtaining a connection from the pool. max pool size was reached.
Pw As of {clock}, the heartbeat has been running for "{clock}" which is longer than "00:00:01". This could be caused by thread pool starvation.
Te System.Net.Http.HttpRequestException: Connection refused ({fqdn}:{port})
Te System.Net.Sockets.SocketException (11001): No such host is known.
Te System.IO.IOException: Unable to read data from the transport connection: Connection reset by peer.
Ce System.IO.FileNotFoundException: The configuration file '{conf}' was not found and is not optional.
Ce System.FormatException: Could not parse the JSON file {conf}.
Ce System.InvalidOperationException: Unable to resolve service for type '{java}' while attempting to activate
Si Authorization failed. These requirements were not met: RolesAuthorizationRequirement: User.IsInRole must be true for {user}
Si Bearer was not authenticated. Failure message: IDX10223: Lifetime validation failed. The token is expired.
Sw User {user} failed to provide the correct password.
"""),
    program("supervisor", "plain python", """
Ni spawned: '{svc}' with pid {pid}
Ni waiting for {svc} to stop
Ni stopped: {svc} (terminated by SIGTERM)
Ni reaped unknown pid {pid} (exit status 0)
Ni exited: {svc} (exit status 0; expected)
Ni pm2: App [{svc}:{small}] online
Ni runit: {svc}: (pid {pid}) {num}s
Ni monit: '{svc}' process is running with pid {pid}
Fw exited: {svc} (terminated by SIGSEGV (core dumped); not expected)
Fe {svc} terminated too fast, backing off and respawning
Fi monit: '{svc}' process is not running, restart failed
Fe runsv {svc}: fatal: unable to start ./run, child crashed
Fi {svc} did not stay up, not restarting again
Ce unix:///var/run/supervisor.sock refused: section [program:{svc}] does not specify a command
Ce Error: The directory named as part of the path {path} does not exist in {conf}
Ce can't find command '{path}' for program {svc}
Ce monit: {conf}:{num}: syntax error '{key}'
Pw monit: '{host}' mem usage of {hpct} matches resource limit [mem usage > 90%]
Pw monit: '{host}' loadavg (5min) of {small}.2 matches resource limit
Tw monit: '{svc}' failed protocol test [HTTP] at [{fqdn}]:{port} [TCP/IP] -- Connection refused
"""),
    program("cplusplus", "none plain", """
Ni [INFO] {svc}: worker thread pool of {small} threads ready
Ni loaded {num} symbols from {path}
Ni error handler registered for stream {word}
Fe terminate called after throwing an instance of 'std::out_of_range'
Fe *** stack smashing detected ***: terminated
Fe free(): invalid pointer
Fe malloc(): corrupted top size
Fe Aborted (core dumped)
Fe thread '{word}' panicked at src/{word}.rs:{num}:{small}: called `Result::unwrap()` on an `Err` value: {word}
Fe thread 'main' has overflowed its stack
Fe ==ERROR: AddressSanitizer: heap-use-after-free on address {addr64}
Fe Bus error (core dumped)
Fe {path}.c:{num}: {word}: Assertion `{word} > 0' failed.
Pe terminate called after throwing an instance of 'std::bad_alloc'
Pe memory allocation of {big} bytes failed
Te send: Broken pipe
Te connect: Network is unreachable
Te Error: Os { code: 111, kind: ConnectionRefused, message: "Connection refused" }
Ce {path}: error while loading shared libraries: lib{word}.so.{small}: cannot open shared object file: No such file or directory
Ce {svc}: invalid option -- '{small}'
Ce error: unexpected argument '--{word}' found
Ce Error: missing field `{key}` at line {num} column {small}
Ce {svc}: cannot open config {conf}: No such file or directory
"""),
    program("sap-erp", "plain none", """
Ni Batch job {word}_{num} released by {user}
Ni Dispatcher: {small} work processes active
Ni Order {num} confirmed in {ms}
Ni Report ERROR_STATISTICS printed on LP{small}
Fe Short dump DBIF_RSQL_SQL_ERROR in program Z{word}
Fe Work process {small} died, restarting
Pw Dialog response time {slowms} exceeds target
Pe Enqueue table overflow: lock table full
Te RFC destination {word} not reachable: connection to partner '{fqdn}:sapgw00' broken
Ce Profile parameter {key} in {conf} is unknown
Sw Logon of user {user} failed: password locked after {small} attempts
"""),
]
