"""Shapes of databases, caches, brokers, search and storage."""

from corpus.grammar import program

PROGRAMS = [
    program("postgres", "pg", """
Ni database system is ready to accept connections
Ni database system was shut down at {day} {clock} UTC
Ni starting PostgreSQL {version} on x86_64-pc-linux-gnu, compiled by gcc
Ni listening on IPv4 address "0.0.0.0", port 5432
Ni checkpoint starting: time
Ni checkpoint complete: wrote {num} buffers (0.{small}%); 0 WAL file(s) added, 0 removed, {small} recycled; write={sec} s, sync=0.01 s
Ni autovacuum: automatic vacuum of table "{word}.public.{word}": index scans: 1
Ni connection received: host={ip} port={port}
Ni connection authorized: user={user} database={word} application_name=psql
Ni disconnection: session time: 0:00:0{small}.123 user={user} database={word} host={ip}
Ni received fast shutdown request
Ni duration: 0.{num} ms  statement: SELECT * FROM error_log WHERE id = {num}
Ni redo starts at {small}/{hex}
Ni consistent recovery state reached at {small}/{hex}
Ni archived write-ahead log file "{hex}"
Ni replication connection authorized: user={user} application_name={host}
Fc terminating connection because of crash of another server process
Fi server process (PID {pid}) was terminated by signal [[11: Segmentation fault|9: Killed|6: Aborted]]
Fc PANIC:  could not write to file "pg_wal/xlogtemp.{pid}": Input/output error
Fi all server processes terminated; reinitializing
Fe could not read block {num} in file "base/{num}/{num}": read only 0 of 8192 bytes
Fe invalid page in block {num} of relation base/{num}/{num}
Fe missing chunk number 0 for toast value {num} in pg_toast_{num}
Fi database system was not properly shut down; automatic recovery in progress
Fe deadlock detected; transaction aborted
Fi startup process (PID {pid}) exited with exit code 1
Pe canceling statement due to statement timeout
Pc sorry, too many clients already
Pc remaining connection slots are reserved for non-replication superuser connections
Pi duration: {slowms}  execute <unnamed>: SELECT count(*) FROM {word} JOIN {word} USING (id)
Pi checkpoints are occurring too frequently ({small} seconds apart)
Pe could not extend file "base/{num}/{num}": No space left on device
Pi process {pid} still waiting for ShareLock on transaction {num} after 1000.123 ms
Pi temporary file: path "base/pgsql_tmp/pgsql_tmp{pid}.0", size {big}
Pe out of shared memory
Pe canceling statement due to lock timeout
Ti could not receive data from client: Connection reset by peer
Ti could not send data to client: Broken pipe
Te could not connect to the primary server: connection to server at "{ip}", port 5432 failed: Connection refused
Tc could not receive data from WAL stream: server closed the connection unexpectedly
Ti could not bind IPv4 address "0.0.0.0": Address already in use
Tw terminating walsender process due to replication timeout
Sc password authentication failed for user "{user}"
Sc no pg_hba.conf entry for host "{ip}", user "{user}", database "{word}", no encryption
Sc role "{user}" does not exist
Se permission denied for table {word}
Sc Ident authentication failed for user "{user}"
Ce unrecognized configuration parameter "{key}" in file "{conf}" line {num}
Ce invalid value for parameter "{key}": "{word}"
Cc configuration file "{conf}" contains errors
Cc could not access directory "{path}": No such file or directory
Cc data directory "{path}" has invalid permissions
Ce syntax error in file "{conf}" line {num}, near token "{word}"
Cc private key file "{path}" has group or world access
"""),
    program("mysqld", "plain none", """
Ni [System] [MY-010116] [Server] {path}/mysqld (mysqld {version}) starting as process {pid}
Ni [System] [MY-010931] [Server] ready for connections. Version: '{version}'  socket: '{path}'  port: 3306
Ni [Note] InnoDB: Buffer pool(s) load completed at {day} {clock}
Ni [Note] InnoDB: Starting crash recovery is not required, log sequence number {num}
Ni [Note] Event Scheduler: Purging the queue. 0 events
Ni [Note] {path}: Normal shutdown
Ni [Note] Slave I/O thread: connected to master '{user}@{host}:3306', replication started in log 'binlog.000{small}' at position {num}
Ni # Query_time: 0.00{small}  Lock_time: 0.000 Rows_sent: 1  Rows_examined: {small}
Se [Warning] Access denied for user '{user}'@'{ip}' (using password: [[YES|NO]])
Si [Note] Access denied for user '{user}'@'{host}' to database '{word}'
Sw [Warning] Host '{ip}' is blocked because of many connection errors; unblock with 'mysqladmin flush-hosts'
Pe [ERROR] Too many connections
P- # Query_time: {num}.{num}  Lock_time: 0.001 Rows_sent: {num}  Rows_examined: {big}
Pe [ERROR] [MY-012145] [InnoDB] Lock wait timeout exceeded; try restarting transaction
Pw [Note] InnoDB: page_cleaner: 1000ms intended loop took {num}ms. The settings might not be optimal.
Pe [ERROR] Disk is full writing '{path}' (Errcode: 28 - No space left on device). Waiting for someone to free space...
Pw [Warning] Aborted connection {num} to db: '{word}' user: '{user}' host: '{host}' (Got timeout reading communication packets)
Te [ERROR] Slave I/O: error connecting to master '{user}@{fqdn}:3306' - retry-time: 60  retries: {small}, Error_code: 2003
Tw [Warning] IP address '{ip}' could not be resolved: Name or service not known
Tw [Warning] Aborted connection {num} to db: '{word}' (Got an error reading communication packets)
Te [ERROR] Can't start server: Bind on TCP/IP port: Address already in use
Fe [ERROR] [MY-013183] [InnoDB] Assertion failure: {word}0{word}.cc:{num}
Fe mysqld got signal 11 ;
Fe [ERROR] InnoDB: Database page corruption on disk or a failed file read of page [page id: space={num}, page number={num}]
Fe [ERROR] Table './{word}/{word}' is marked as crashed and should be repaired
Fe [ERROR] Aborting
Fe [ERROR] Slave SQL: Could not execute Write_rows event on table {word}; Duplicate entry, Error_code: 1062
Ce [ERROR] unknown variable '{key}={word}'
Ce [ERROR] Could not open required defaults file: {conf}
Ce [ERROR] Fatal error in defaults handling. Program aborted
Ce [ERROR] Can't find messagefile '{path}'; check --lc-messages-dir
Ce [Warning] World-writable config file '{conf}' is ignored
He [ERROR] InnoDB: Operating system error number 5 in a file operation: Input/output error on {dev}
"""),
    program("mongod", "json plain", """
Ni Waiting for connections on port 27017
Ni Connection accepted from {addr} #{num} ({small} connections now open)
Ni Connection ended connectionId {num}
Ni WiredTiger message: checkpoint snapshot min: {num}, snapshot max: {num}
Ni Successfully authenticated user {user} on admin from client {addr}
Ni transition to [[SECONDARY|PRIMARY|RECOVERING]] from STARTUP2
Ni Index build: done building index {word}_1 on ns {word}.{word}
Si Authentication failed. principalName: {user}, authenticationDatabase: admin, client: {addr}, result: AuthenticationFailed
Sw ACCESS [conn{num}] Unauthorized: not authorized on {word} to execute command find
Sw Access control is not enabled for the database. Read and write access to data and configuration is unrestricted, remote {ip} connected
Pi Slow query ns {word}.{word} command find planSummary COLLSCAN docsExamined {big} durationMillis {num}000
Pw connection refused because too many open connections: {num}
Pi Serialized oplog application slow, lag {num} seconds
Tw Failed to connect to {addr} - HostUnreachable: Error connecting: Connection refused
Ti Heartbeat failed after max retries target {fqdn}:27017 NetworkInterfaceExceededTimeLimit
Ti Replica set member {fqdn}:27017 is now in state DOWN: no response within election timeout period
Fc Fatal assertion {num} WiredTiger library panic: WT_PANIC
Fc Got signal: 11 (Segmentation fault).
Fc Unclean shutdown detected, recovery failed; aborting after fassert() failure
Ce Error parsing YAML config file: yaml-cpp: error at line {num}, column {small}: illegal map value
Ce Unrecognized option: storage.{key}
Ce BadValue: keyFile {path} permissions are too open
Ce NonExistentPath: Data directory {path} not found.
"""),
    program("redis", "plain none", """
Nn * Ready to accept connections tcp
Nn * DB loaded from disk: 0.00{small} seconds
Nn * Background saving started by pid {pid}
Nn * Background saving terminated with success
Nn * {num} changes in 60 seconds. Saving...
Nn # Server initialized
Nn * Synchronization with replica {addr} succeeded
Nn - Accepted {addr}
Nn # User requested shutdown...
Nn * MASTER <-> REPLICA sync: Finished with success
Tw # Connection with master lost.
Tn * Error condition on socket for SYNC: Connection refused
Tw # Timeout connecting to the MASTER...
Tw # Could not create server TCP listening socket *:6379: bind: Address already in use
Tw # +sdown slave {addr} {ip} {port} @ mymaster {ip} 6379
Tw # Cluster state changed: fail
Pw # OOM command not allowed when used memory > 'maxmemory'.
Pw # Client id={num} addr={addr} scheduled to be closed ASAP for overcoming of output buffer limits.
Pn * Asynchronous AOF fsync is taking too long (disk is busy?). Writing the AOF buffer without waiting for fsync to complete, this may slow down Redis.
Pw # ERR max number of clients reached
Pw # Can't save in background: fork: Cannot allocate memory
Fw # Redis {version} crashed by signal: 11, si_code: 1
Fw # === REDIS BUG REPORT START: Cut & paste starting from here ===
Fw # Bad file format reading the append only file: make a backup of your AOF file, then use ./redis-check-aof --fix
Fw # Background saving error
Fw # Short read or OOM loading DB. Unrecoverable error, aborting now.
Cw # *** FATAL CONFIG FILE ERROR (Redis {version}) ***
Cw # Bad directive or wrong number of arguments '{key}'
Cw # Can't chdir to '{path}': No such file or directory
Cw # WARNING overcommit_memory is set to 0! Background save may fail. To fix this issue add 'vm.overcommit_memory = 1' to /etc/sysctl.conf
Sw # Possible SECURITY ATTACK detected. It looks like somebody is sending POST or Host: commands to Redis. Connection aborted.
Sn - ACL: client {addr} user {user}: WRONGPASS invalid username-password pair or user is disabled.
Sw -NOAUTH Authentication required. command from {addr} rejected
"""),
    program("kafka", "log4j", """
Ni [KafkaServer id={small}] started (kafka.server.KafkaServer)
Ni [GroupCoordinator {small}]: Preparing to rebalance group {svc} in state PreparingRebalance with old generation {num}
Ni [GroupCoordinator {small}]: Stabilized group {svc} generation {num} (__consumer_offsets-{small})
Ni [Log partition={word}-{small}, dir={path}] Rolled new log segment at offset {num} in {small} ms.
Ni [ReplicaFetcherManager on broker {small}] Added fetcher to broker for partitions {word}-{small}
Ni [Consumer clientId={svc}, groupId={svc}] Resetting offset for partition {word}-{small} to position FetchPosition
Ni [Producer clientId={svc}] Closing the Kafka producer with timeoutMillis = 9223372036854775807 ms.
Ni Deleted log {path}/{num}.log.deleted.
Ni [Controller id={small}] Processing automatic preferred replica leader election
Tw [Producer clientId={svc}] Connection to node {small} ({fqdn}/{addr}) could not be established. Broker may not be available.
Tw [ReplicaFetcher replicaId={small}, leaderId={small}, fetcherId=0] Error in response for fetch request java.io.IOException: Connection to {small} was disconnected before the response was read
Te Couldn't resolve server {fqdn}:9092 from bootstrap.servers as DNS resolution failed
Tw [Controller id={small}, targetBrokerId={small}] Connection to node {small} terminated during authentication
Pw [Consumer clientId={svc}] consumer poll timeout has expired. This means the time between subsequent calls to poll() was longer than the configured max.poll.interval.ms
Pe org.apache.kafka.common.errors.TimeoutException: Expiring {small} record(s) for {word}-{small}:{num} ms has passed since batch creation
Pw [Producer clientId={svc}] Got error produce response with correlation id {num} on topic-partition {word}-0, retrying (2 attempts left). Error: REQUEST_TIMED_OUT
Pe java.io.IOException: Too many open files
Pw Under-replicated partitions: {small}; replica lag exceeds replica.lag.time.max.ms
Fe [ReplicaManager broker={small}] Stopping serving replicas in dir {path}
Fe Error while deleting segments for {word}-{small} in dir {path} java.nio.file.FileSystemException
Fc Shutdown broker because all log dirs in {path} have failed
Fe Uncaught exception in thread 'kafka-scheduler-{small}': java.lang.{exception}
Ce org.apache.kafka.common.config.ConfigException: Invalid value {word} for configuration {key}: Not a number of type INT
Ce org.apache.kafka.common.config.ConfigException: Missing required configuration "zookeeper.connect" which has no default value.
Cw The configuration '{key}' was supplied but isn't a known config.
Ce org.apache.kafka.common.KafkaException: Failed to load SSL keystore {path} of type JKS
Si [SocketServer listenerType=ZK_BROKER, nodeId={small}] Failed authentication with /{ip} (SSL handshake failed)
Se Authentication failed during authentication due to invalid credentials with SASL mechanism SCRAM-SHA-512 from {ip}
Si Principal = User:{user} is Denied Operation = Read from host = {ip} on resource = Topic:LITERAL:{word}
"""),
    program("zookeeper", "log4j", """
Ni binding to port 0.0.0.0/0.0.0.0:2181
Ni LEADING - LEADER ELECTION TOOK - {num}
Ni Snapshotting: 0x{hex} to {path}
Ni Creating new session 0x{hex} for {addr}, timeout {num}
Ni FOLLOWING, new epoch {small}
Ni autopurge.snapRetainCount set to {small}
Ni Purge task completed.
Tw Lost quorum connection to server {small} at {addr}: Connection refused
Te Leader {fqdn} is gone, socket to learner closed by peer
Ni Got user-level KeeperException when processing sessionid:0x{hex} type:create cxid:0x1 zxid:0x{hex} txntype:-1 reqpath:n/a Error Path:/{word} Error:KeeperErrorCode = NodeExists for /{word}
Ni Server environment:java.io.tmpdir=/tmp
Tw caught end of stream exception EndOfStreamException: Unable to read additional data from client sessionid 0x{hex}, likely client has closed socket
Tw Session 0x0 for server null, unexpected error, closing socket connection and attempting reconnect java.net.NoRouteToHostException
Te Exception while listening java.net.BindException: Address already in use
Pw fsync-ing the write ahead log in SyncThread:{small} took {num}000ms which will adversely effect operation latency. See the ZooKeeper troubleshooting guide
Pw Too many connections from /{ip} - max is 60
Fe Severe unrecoverable error, exiting java.io.IOException: No snapshot found, but there are log entries
Ce Invalid config, exiting abnormally org.apache.zookeeper.server.quorum.QuorumPeerConfig$ConfigException: Error processing {conf}
Ce Invalid configuration, only one server specified (ignoring)
Ce {path}/myid file is missing
Sw SASL authentication failed for client /{addr}, user {user}
"""),
    program("elasticsearch", "log4j json", """
Ni [{host}] started
Ni [{host}] [{word}-000001] creating index, cause [api], templates [{word}], shards [1]/[1]
Ni [{host}] Cluster health status changed from [YELLOW] to [GREEN] (reason: [shards started [[{word}][0]]]).
Ni [{host}] publish_address {{addr}}, bound_addresses {[::]:9200}
Ni [{host}] [gc][{num}] overhead, spent [{small}ms] collecting in the last [1s]
Ni [{host}] master node changed {previous [], current [{host}]}
Ni [{host}] moving index [{word}] from [hot] to [delete] in policy [{word}]
Pw [{host}] [gc][{num}] overhead, spent [{num}ms] collecting in the last [1s]: heap almost full
Pw [{host}] high disk watermark [90%] exceeded on [{token}][{host}][{path}] free: {size}[{small}%], shards will be relocated away from this node
Pw [{host}] flood stage disk watermark [95%] exceeded, all indices on this node will be marked read-only
Pw [{host}] [{word}][0] took[{small}s], took_millis[{num}000], types[], search_type[QUERY_THEN_FETCH], total_shards[5] slowlog
Pe [{host}] EsRejectedExecutionException: rejected execution of task on EsThreadPoolExecutor[name = write, queue capacity = 200]
Pe [{host}] CircuitBreakingException: [parent] Data too large, data for [<http_request>] would be [{num}/{size}], which is larger than the limit
Tw [{host}] master not discovered or elected yet, an election requires at least 2 nodes
Tw [{host}] failed to connect to node {{host}}{{ip}:9300} ConnectTransportException: connect_timeout[30s]
Tw [{host}] NodeDisconnectedException: [{host}][{addr}] disconnected
Fe [{host}] fatal error in thread [elasticsearch[{host}][write][T#1]], exiting java.lang.OutOfMemoryError: Java heap space
Fw [{host}] failing shard [failed shard, shard [{word}][{small}], node[{token}], message [shard failure, reason [lucene commit failed]], corrupt index
Fw [{host}] Cluster health status changed from [GREEN] to [RED] (reason: [shards failed [[{word}][0]]]).
Ce [{host}] node validation exception: bootstrap checks failed: max virtual memory areas vm.max_map_count [65530] is too low, increase to at least [262144]
Ce java.lang.IllegalArgumentException: unknown setting [{key}] please check that any required plugins are installed
Ce [{host}] failed to parse mapping [_doc]: analyzer [{word}] not found for field [{word}]
Sw [{host}] Authentication of [{user}] was terminated by realm [reserved] - failed to authenticate user [{user}]
Sw [{host}] http client did not trust this server's certificate, closing connection Netty4HttpChannel remoteAddress=/{addr}
He [{host}] java.io.IOException: Input/output error on {path}, disk {dev} reports read failure
"""),
    program("rabbitmq", "plain none", """
Ni Server startup complete; {small} plugins started.
Ni accepting AMQP connection <0.{num}.0> ({addr} -> {addr})
Ni connection <0.{num}.0> ({addr} -> {addr}): user '{user}' authenticated and granted access to vhost '/'
Ni closing AMQP connection <0.{num}.0> ({addr} -> {addr}, vhost: '/', user: '{user}')
Ni node rabbit@{host} up
Ni Mirrored queue '{word}' in vhost '/': Synchronising: {num} messages to synchronise
Ni alarm cleared: memory resource limit alarm on node rabbit@{host}
Se PLAIN login refused: user '{user}' - invalid credentials
Se Error on AMQP connection <0.{num}.0>: access to vhost '{word}' refused for user '{user}'
Te closing AMQP connection <0.{num}.0> ({addr} -> {addr}): missed heartbeats from client, timeout: 60s
Tw closing AMQP connection <0.{num}.0> ({addr} -> {addr}): client unexpectedly closed TCP connection
Te rabbit on node rabbit@{host} down: net_tick_timeout
Te Mnesia(rabbit@{host}): ** ERROR ** mnesia_event got {inconsistent_database, running_partitioned_network, rabbit@{host}}
Pw memory resource limit alarm set on node rabbit@{host}. Publishers will be blocked until this alarm clears
Pw Free disk space is insufficient. Free bytes: {num}. Limit: 50000000. disk resource limit alarm set
Pw file descriptor limit alarm set. New connections will not be accepted until this alarm clears.
Fe Supervisor {<0.{num}.0>,rabbit_channel_sup} had child channel started with rabbit_channel:start_link exit with reason badarg in context child_terminated
Fe CRASH REPORT Process <0.{num}.0> with 0 neighbours exited with reason: {function_clause,...}
Fe ** Generic server <0.{num}.0> terminating
Ce Failed to load advanced configuration file "{conf}": {num}: syntax error before: '}'
Ce You've tried to set {key}, but there is no setting with that name.
Ce BOOT FAILED: error:{{badmatch,{error,{could_not_find_file,"{path}"}}}}
"""),
    program("cassandra", "log4j", """
Ni Node {ip} state jump to NORMAL
Ni Completed flushing {path}-big-Data.db ({size}) for commitlog position
Ni Compacted ({uuid}) {small} sstables to [{path}] to level=0.  {size} to {size}
Ni Starting listening for CQL clients on /{addr} (unencrypted)...
Ni InetAddress {ip} is now UP
Ni ParNew GC in {small}ms.  CMS Old Gen: {num} -> {num};
Ti InetAddress {ip} is now DOWN
Te Cannot handshake version with /{ip} java.net.ConnectException: Connection timed out
Pw GC pause: ConcurrentMarkSweep GC in {num}00ms.  CMS Old Gen: {big} -> {big};
Pw Batch for [{word}.{word}] is of size {size}, exceeding specified threshold of 5KiB by {size}
Pw Read {small} live rows and {num} tombstone cells for query SELECT * FROM {word} (see tombstone_warn_threshold)
Pe {num} READ messages dropped in last 5000ms: timeout mutation dropped
Pe WriteTimeoutException: Cassandra timeout during write query at consistency QUORUM (2 replica were required but only 1 acknowledged)
Fe Exception in thread Thread[CompactionExecutor:{small},1,main] java.lang.{exception}
Fe Corrupt sstable {path}; skipping table
Fe Stopping gossiper, disk failure policy is stop: java.io.IOError
Ce Fatal configuration error org.apache.cassandra.exceptions.ConfigurationException: Invalid yaml. Please remove properties [{key}] from your cassandra.yaml
Ce seed provider lists no seeds. Unable to start
Si Provided username {user} and/or password are incorrect
"""),
    program("ceph", "plain kernel", """
Ni mgrmap e{num}: {host}(active, since {small}h), standbys: {host}
Ni pgmap v{num}: {num} pgs: {num} active+clean; {size} data, {size} used, {size} / {size} avail
Ni osd.{small} boot
Ni scrub ok {small}.{hex}
Ni overall HEALTH_OK
Ni Health check cleared: OSD_DOWN (was: 1 osds down)
Pw {small} slow ops, oldest one blocked for {num} sec, osd.{small} has slow ops
Pw Health check failed: {small} nearfull osd(s) (OSD_NEARFULL)
Pw Health check failed: {small} pool(s) full (POOL_FULL)
Tw osd.{small} heartbeat_check: no reply from {addr} osd.{small} ever on either front or back
Tw mon.{host} ms_handle_reset; lost connection to peer {addr}
Fe log_channel(cluster) log [ERR] : {small}.{hex} deep-scrub {small} errors: inconsistent object found
Fw Health check failed: {small} osds down (OSD_DOWN)
Fw osd.{small} marked itself down and failed; crashed with ceph_assert(r == 0)
Fe Health check failed: Reduced data availability: {small} pgs inactive
He bdev({path}) aio_submit: I/O error (5) Input/output error on {dev}
Hw Health check failed: device {word} on osd.{small} is failing, life expectancy below threshold (DEVICE_HEALTH)
Ce parse error setting '{key}' to '{word}' in {conf}
Ce unable to get monitor info from DNS SRV; no monitors specified to connect to, check mon_host in {conf}
Si cephx: verify_authorizer could not decrypt ticket info: invalid secret, entity client.{user} from {addr}
"""),
    program("minio", "json plain", """
Ni API: http://{addr}  Console: http://{addr}
Ni All MinIO sub-systems initialized successfully
Ni Healing is complete on drive {path}, 0 objects failed
Te Unable to connect to {fqdn}:9000: dial tcp {addr}: i/o timeout, marking drive offline
Fe Read quorum could not be achieved on {path}/format.json, storage resources are insufficient for the read operation
Pe Maximum concurrent requests reached, please reduce your request rate
He drive {path} is faulty: input/output error, marking drive {dev} offline
Ce Unable to validate passed arguments in {conf}: Invalid endpoint {word}
Ce Invalid credentials: MINIO_ROOT_PASSWORD should be at least 8 characters long
Se Signature does not match: The access key {token} supplied from {ip} is invalid
"""),
]
