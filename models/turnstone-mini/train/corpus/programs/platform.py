"""Shapes of containers, orchestration, big data, virtualisation, schedulers and cloud agents."""

from corpus.grammar import program

PROGRAMS = [
    program("kubelet", "klog syslog", """
Ni "SyncLoop ADD" source="api" pods=["{ns}/{pod}"]
Ni "SyncLoop (probe)" probe="readiness" status="ready" pod="{ns}/{pod}"
Ni "Observed pod startup duration" pod="{ns}/{pod}" podStartSLOduration={sec}
Ni "Successfully registered node" node="{host}"
Ni "Starting kubelet main sync loop"
Ni "Volume detached for volume \\"{word}\\" on node \\"{host}\\" DevicePath \\"\\""
Ni "MountVolume.SetUp succeeded for volume \\"kube-api-access-{token}\\" pod \\"{pod}\\""
Ni "Probe succeeded" probeType="Liveness" pod="{ns}/{pod}"
Nd "Image garbage collection succeeded"
Te "Unable to register node with API server" err="Post \\"https://{addr}/api/v1/nodes\\": dial tcp {addr}: connect: connection refused" node="{host}"
Te "Error updating node status, will retry" err="net/http: request canceled while waiting for connection"
Ti "Probe failed" probeType="Readiness" pod="{ns}/{pod}" output="Get \\"http://{addr}/ready\\": dial tcp {addr}: connect: connection refused"
Te "Container runtime network not ready" networkReady="NetworkReady=false reason:NetworkPluginNotReady"
Fe "Error syncing pod, skipping" err="failed to \\"StartContainer\\" for \\"{svc}\\" with CrashLoopBackOff: \\"back-off 5m0s restarting failed container\\""
Fi "Container exited" containerID="{hash}" exitCode=139 pod="{ns}/{pod}"
Fe "PLEG is not healthy: pleg was last seen active 3m1s ago; threshold is 3m0s"
Fe "Failed to get system container stats, kubelet terminating" err="unrecoverable"
Pw "Eviction manager: attempting to reclaim" resourceName="ephemeral-storage"
Pi "Killed container because of OOMKilled" pod="{ns}/{pod}" container="{svc}"
Pe "Failed to garbage collect required amount of images. Wanted to free {big} bytes, but freed 0 bytes"
Pw "Probe timed out" probeType="Liveness" pod="{ns}/{pod}" timeout="1s"
Ce "Failed to load kubelet config file" err="failed to load Kubelet config file {conf}, error: open {conf}: no such file or directory"
Ce "Failed to run kubelet" err="misconfiguration: kubelet cgroup driver: \\"systemd\\" is different from docker cgroup driver: \\"cgroupfs\\""
Ce "Error: secret \\"{word}\\" not found" pod="{ns}/{pod}" err="CreateContainerConfigError"
Se "Unable to authenticate the request" err="x509: certificate has expired or is not yet valid"
Sw "Forbidden" user="system:node:{host}" verb="get" resource="secrets" namespace="{ns}"
He "Node condition changed" condition="DeviceHealth" err="nvidia.com/gpu unhealthy: Xid 79 on GPU {small}"
"""),
    program("kube-apiserver", "klog", """
Ni Serving securely on [::]:6443
Ni "HTTP" verb="GET" URI="/api/v1/namespaces/{ns}/pods" latency="{ms}" userAgent="{agent}" srcIP="{addr}" resp=200
Ni all system priority classes are created successfully or already exist.
Ni Updating CRD OpenAPI spec because {word}.example.com changed
Pi "Trace[{num}]: \\"List\\" url:/api/v1/pods (total time: {slowms})"
Pw "Throttling request took {sec}s, request: GET:https://{addr}/apis"
Pe "Timeout or abort while handling: context deadline exceeded" method="PUT"
Te failed to connect to {addr}: [core] grpc: addrConn.createTransport failed: connection error: desc = "transport: Error while dialing dial tcp {addr}: connect: connection refused"
Te loading OpenAPI spec for "v1beta1.metrics.k8s.io" failed with: failed to retrieve openAPI spec, http error: ResponseCode: 503, Body: service unavailable
Se "Unable to authenticate the request" err="[invalid bearer token, service account token has been invalidated]"
Si http: TLS handshake error from {addr}: remote error: tls: bad certificate
Si "RBAC DENY: user \\"{user}\\" groups [\\"system:authenticated\\"] cannot \\"delete\\" resource \\"secrets\\" in namespace \\"{ns}\\""
Ce Error: unknown flag: --{word}
Ce Error: error reading public key file {path}: open {path}: no such file or directory
Fc "etcd cluster is unavailable or misconfigured; leader election lost, exiting"
Fe "Observed a panic" panic="runtime error: invalid memory address or nil pointer dereference"
"""),
    program("kube-scheduler", "klog json none", """
Ni "Successfully bound pod to node" pod="{ns}/{pod}" node="{host}" evaluatedNodes={small} feasibleNodes={small}
Ni successfully acquired lease kube-system/kube-scheduler
Ni Scaled up replica set {svc}-{hex} to {small}
Ni Successfully pulled image "{image}" in {sec}s
Ni Created container {svc}
Ni Killing: Stopping container {svc}
Ni Scaled down replica set {svc}-{hex} to 0 from 1
Ni Job completed: {word}-{num}
Fw BackOff: Back-off restarting failed container {svc} in pod {pod}_{ns}
Fw Failed: Error: container {svc} exited with code 137
Fw NodeNotReady: Node {host} status is now: NodeNotReady
Pw FailedScheduling: 0/{small} nodes are available: {small} Insufficient cpu, {small} Insufficient memory.
Pw OOMKilling: Memory cgroup out of memory: Killed process {pid} ({svc})
Pw Evicted: The node was low on resource: memory. Container {svc} was using {num}Ki
Tw Unhealthy: Readiness probe failed: Get "http://{addr}/healthz": dial tcp {addr}: connect: connection refused
Tw FailedCreatePodSandBox: failed to set up sandbox network: plugin type="calico" failed: connection refused
Cw Failed: Error: ErrImagePull: manifest for {image} not found: manifest unknown
Cw FailedMount: MountVolume.SetUp failed for volume "{word}" : configmap "{word}" not found
Cw InvalidImageName: Failed to apply default image tag "{word}:::": couldn't parse image reference
Sw Failed to pull image "{image}": unauthorized: authentication required
Sw PolicyViolation: pod {pod} is forbidden: violates PodSecurity "restricted:latest": privileged container
"""),
    program("dockerd", "logfmt syslog", """
Ni API listen on /var/run/docker.sock
Ni Loading containers: done.
Ni Daemon has completed initialization
Ni ignoring event container={hash} module=libcontainerd namespace=moby topic=/tasks/delete
Ni Container {hash} failed to exit within 10s of signal 15 - using the force, requested by user stop
Ni stopping healthcheck following graceful shutdown
Te Handler for POST /v1.43/images/create returned error: Get "https://{fqdn}/v2/": dial tcp: lookup {fqdn}: no such host
Te Error initializing network controller: could not connect to {addr}
Tw [resolver] failed to query DNS server: {ip}:53, query: ;{fqdn}. IN A: i/o timeout
Fe containerd: container {hash} died, exit status 139, restarting
Fe fatal error: failed to start daemon: error while opening volume store metadata database: timeout
Fw containerd did not exit successfully error="exit status 2"
Pe failed to register layer: write {path}: no space left on device
Pw Health check for container {hash} error: context deadline exceeded
Cc unable to configure the Docker daemon with file /etc/docker/daemon.json: invalid character '{word}' looking for beginning of object key string
Cc unable to configure the Docker daemon: the following directives are specified both as a flag and in the configuration file: {key}
Ce Handler for POST /containers/create returned error: invalid reference format: {image}
Sw Handler for GET /v2/ returned error: unauthorized: incorrect username or password
Sw Error response: denied: requested access to the resource is denied
"""),
    program("containerd", "logfmt json", """
Ni starting containerd revision={hash} version=v{version}
Ni loading plugin "io.containerd.snapshotter.v1.overlayfs"...
Ni skip loading plugin "io.containerd.snapshotter.v1.btrfs": path must be a btrfs filesystem to be used with the btrfs snapshotter: skip plugin
Ni StopContainer for "{hash}" with timeout 30 (s)
Ni shim disconnected id={hash}
Ni RemoveContainer for "{hash}" returns successfully
Te failed to pull image {image}: failed to do request: Head "https://{fqdn}/v2/": net/http: TLS handshake timeout
Fe shim reaped unexpectedly, task {hash} exit status 255
Fe failed to recover container {hash}: corrupted bolt db
Ce failed to load TOML: {conf}: (line {num}): no value can start with {word}
Ce invalid plugin config: unknown plugin field {key}
Pi TaskOOM event container_id:"{hash}"
"""),
    program("coredns", "plain none", """
Ni [INFO] {addr} - {num} "A IN {fqdn}. udp 44 false 512" NOERROR qr,aa,rd 106 0.000{num}s
Ni CoreDNS-{version} linux/amd64, go1.21
Ni [INFO] plugin/reload: Running configuration SHA512 = {hash}
Te [ERROR] plugin/errors: 2 {fqdn}. A: read udp {addr}->{ip}:53: i/o timeout
Te [ERROR] plugin/errors: 2 {fqdn}. AAAA: dial udp {ip}:53: connect: network is unreachable
Ce {conf}:{small} - Error during parsing: Unknown directive '{key}'
Cc plugin/loop: Loop ({addr} -> :53) detected for zone ".", see https://coredns.io/plugins/loop#troubleshooting
"""),
    program("hadoop", "log4j", """
Ni Registered DataNode with namenode {fqdn}:8020
Ni DatanodeRegistration({addr}) Starting thread to transfer {size} to {addr}
Ni Scheduling block {num} for deletion
Ni BLOCK* allocate blk_{big}, replicas={addr}, {addr} for {path}
Ni PacketResponder for blk_{big} terminating
Ni Roll Edit Log from {ip}
Ni Container container_{big}_0001_01_00000{small} transitioned from ACQUIRED to RUNNING
Ni Application application_{big}_000{small} State change from ACCEPTED to RUNNING
Ni Got 0 failed tasks from NM
Ni map {pct} reduce 0%
Ni IPC handler {small} on {port}: starting
Te RPC to namenode {fqdn}:8020 failed after {small} tries: Connection refused
Tw Cannot reach resource manager at {addr}, trying again
Ni Wrote {num} records of shuffle data to {path}
Ni Task attempt_{big}_m_0000{small}_0 done.
Ni Verification succeeded for blk_{big}
Ni Received kill signal for completed container, cleaning up container_{big}
Te Call From {host}/{ip} to {fqdn}:8020 failed on connection exception: java.net.ConnectException: Connection refused
Tw IOException in offerService: java.io.EOFException: End of File Exception between local host is: "{host}"; destination host is: "{fqdn}":8020
Ti Lost node {fqdn}:{port}, marking as unreachable
Pw Slow BlockReceiver write data to disk cost:{num}000ms (threshold=300ms)
Pw Detected pause in JVM or host machine (eg GC): pause of approximately {num}000ms
Pw Container [pid={pid},containerID=container_{big}] is running beyond physical memory limits. Current usage: {size} of {size} physical memory used; Killing container.
Pe DiskOutOfSpaceException: Out of space: The volume with the most available space is less than the block size
Pe AttemptID:attempt_{big}_r_0000{small}_0 Timed out after 600 secs
Fe Error starting MRAppMaster java.lang.{exception}
Fc NameNode: Encountered exception during fsimage load, exiting
Fe Failed to place enough replicas, all datanodes for blk_{big} are bad. Aborting...
Fi Task attempt_{big}_m_0000{small}_0 transitioned from RUNNING to FAILED
Fe DataNode: Error processing edit history event, stream closed
Fi Job job_{big}_000{small} failed with state FAILED due to: Task failed
Ce Error parsing conf {conf}: com.ctc.wstx.exc.WstxParsingException: Unexpected close tag
Ce Incorrect configuration: namenode address dfs.namenode.servicerpc-address is not configured.
Cw {conf}:an attempt to override final parameter: {key}; Ignoring.
Se AccessControlException: Permission denied: user={user}, access=WRITE, inode="{path}":hdfs:supergroup:drwxr-xr-x
Sw Auth failed for {addr}:{user} (GSS initiate failed) with true cause: (GSS initiate failed)
He Volume failed: {path} on {dev}: java.io.IOException: Input/output error, removing from service
"""),
    program("spark", "log4j", """
Ni Started daemon with process name: {pid}@{host}
Ni Running task {num}.0 in stage {small}.0 (TID {num})
Ni Registering block manager {addr} with {size} RAM
Ni Job {small} finished: collect at {word}.py:{small}, took {sec} s
Ni Removed broadcast_{small}_piece0 on {addr} in memory (size: {size}, free: {size})
Ni Reading broadcast variable {num} took {small} ms
Ni Getting {small} non-empty blocks out of {num} blocks
Ni Ignoring speculative task {num} since another attempt succeeded
Ni Changing view acls to: {user}
Fe Exception in task {num}.0 in stage {small}.0 (TID {num}) java.lang.{exception}
Fe Task {small} in stage {small}.0 failed 4 times; aborting job
Fe Lost executor {small} on {host}: Command exited with code 134
Fe Uncaught exception in thread Thread[Executor task launch worker-{small},5,main]
Pw Lost executor {small} on {host}: Container killed by YARN for exceeding memory limits. {size} of {size} physical memory used.
Pe java.lang.OutOfMemoryError: GC overhead limit exceeded in stage {small}.0
Pw Initial job has not accepted any resources; check your cluster UI to ensure that workers are registered and have sufficient resources
Tw Error in fetch: java.io.IOException: Connection from {fqdn}:{port} closed while {small} requests outstanding
Te RetryingBlockTransferor: Exception while beginning fetch, Failed to connect to {host}/{addr}
Pe Issue communicating with driver in heartbeater: Futures timed out after [10 seconds]
Ce org.apache.spark.SparkException: A master URL must be set in your configuration
Ce Invalid Spark URL: spark://{word}; check {key}
Ce java.lang.ClassNotFoundException: {java}, check --class
"""),
    program("nova", "python", """
Ni [instance: {uuid}] Instance destroyed successfully.
Ni [instance: {uuid}] VM Started (Lifecycle Event)
Ni Claim successful on node {host}
Ni [instance: {uuid}] Build finished in {sec} seconds
Ni {ip} GET /v2.1/flavors status: 200 time: 0.{num}
Ni Periodic cleanup: base file {path} is still referenced
Ni Final resource view: name={host} phys_ram={num}MB used_ram={num}MB phys_disk={num}GB
Ni Updating instance power state for {small} instances
Fe [instance: {uuid}] Instance failed to spawn: libvirt.libvirtError: internal error: process exited while connecting to monitor
Fe Unexpected exception in API method: {exception}
Pe No valid host was found. There are not enough hosts available.
Pe QueuePool limit of size {small} overflow {small} reached, connection timed out, timeout 30
Pe MessagingTimeout: Timed out waiting for a reply to message ID {hash}
Te AMQP server on {addr} is unreachable: [Errno 111] ECONNREFUSED. Trying again in {small} seconds.
Tw Connection to libvirt lost: {num}
Te Unable to establish connection to http://{addr}/v3: ConnectFailure
Se keystonemiddleware: Authorization failed for token from {ip}
Sw Quota check bypass denied for user {user}
Ce oslo_config.cfg.ConfigFileParseError: Failed to parse {conf}: at {conf}:{num}, No ':' or '=' found in assignment: '{word}'
Ce PciConfigInvalidSpec: Invalid [pci]device_spec config: {word}
"""),
    program("vmware", "iso plain", """
Ni Hostd: info hostd[{pid}] [Originator@6876 sub=Vimsvc.ha-eventmgr] Event {num} : User {user}@{ip} logged in as VMware-client
Ni vmkernel: cpu{small}:{num})ScsiDeviceIO: Get VPD 86 Inquiry for device "naa.{hex}" from Plugin "NMP" completed
Ni vMotion: migration of {svc} to {host} completed in {sec}s
Ni VM {svc} powered on, heartbeat green
Pw vmkernel: ScsiDeviceIO: performance of device naa.{hex} has deteriorated. I/O latency increased from average value of {num} microseconds to {big} microseconds.
Pw Datastore {word} usage on disk: {hpct}
Tw vmkernel: NMP: Path vmhba{small}:C0:T{small}:L0 is down, lost connectivity to storage device naa.{hex}
Tw HA agent on host {fqdn} cannot reach isolation address {ip}
Fc vmkernel: PSOD: #PF Exception 14 in world {num}:{word} IP {addr64}
Fe Virtual machine {svc} on host {fqdn} failed: VMX process died unexpectedly
Se Event: Cannot login {user}@{ip}: incorrect user name or password
Ce Invalid configuration for device '{small}' of VM {svc}
He vmkernel: lost access to volume {uuid} due to physical media errors
He Hardware Sensor Status: Processor {small} thermal trip, red
"""),
    program("slurm", "plain iso", """
Ni _slurm_rpc_submit_batch_job: JobId={num} InitPrio={num} usec={num}
Ni sched: Allocate JobId={num} NodeList={host} #CPUs={num} Partition={word}
Ni _job_complete: JobId={num} done
Ni _job_complete: JobId={num} WEXITSTATUS 0
Ni node {host} returned to service
Ni error handling stats: 0 failed RPCs
Fi _job_complete: JobId={num} WTERMSIG 11
Fe Node {host} unexpectedly rebooted
Fe error: Nodes {host} not responding, setting DOWN
Fe slurmd: error: Job {num} prolog failed status=1:0, draining node {host}
Pe slurmstepd: error: Detected {small} oom_kill events in StepId={num}.batch. Some of the step tasks have been OOM Killed.
Pe slurmstepd: error: *** JOB {num} ON {host} CANCELLED AT {day}T{clock} DUE TO TIME LIMIT ***
Pw Warning: Note very large processing time from schedule: usec={big}
Te error: slurm_receive_msg: Socket timed out on send/recv operation from {host}
Te error: unable to contact slurm controller (connect failure)
Ce fatal: Invalid node name {word} in partition {word}, {conf}
Cw error: Parsing error at unrecognized key: {key}, line {num} of {conf}
Se error: Munge decode failed: Invalid credential from {user}@{host}
Se error: Security violation, REQUEST_KILL_JOB RPC from uid={num}
He error: gres/gpu count too low ({small} < {small}) on {host}: GPU lost, setting drain
He node {host} state DRAIN reason: memory DIMM failure, low RealMemory
"""),
    program("hpc-fabric", "plain none", """
Ni opensm: SUBNET UP
Ni RAS KERNEL INFO generating core.{num} requested by user
Ni RAS KERNEL INFO {num} floating point alignment exceptions handled
Ni mmfs: mount of /gpfs/{word} completed
Ni LustreError counters reset on {host}
Ni Lustre: {word}-OST000{small}: Connection restored to {uuid} (at {ip}@o2ib)
Fe LustreError: {pid}:0:(ldlm_lockd.c:{num}) LBUG
Fc RAS APP FATAL ciod: Error loading {path}: program image corrupt, job aborted
Fc RAS KERNEL FATAL kernel terminated for reason 1004
Fc rts panic! - stopping execution
Fe mmfsd: GPFS daemon died abnormally, expelling node {host}
Te LustreError: 11-0: {word}-OST000{small}-osc: operation ost_connect to node {ip}@tcp failed: rc = -107
Te Lustre: {word}-MDT0000: Client {uuid} (at {ip}@o2ib) unreachable, evicting
Tw opensm: ib0 port down, LID {num}
Te ciod: cio stream read failed: Link has been severed from {addr}
Pw LustreError: {pid}:0:(service.c) ### slow create, {num}s since request was queued
He RAS KERNEL FATAL machine check interrupt (bit=0x1d): L2 dcache unit data parity error
He RAS LINKCARD FATAL MidplaneSwitchController parity failure
He RAS KERNEL INFO {num} ddr errors(s) detected and corrected on rank 0, symbol {small}, bit 0
He RAS MMCS ERROR power module {host} voltage out of range
He HARDWARE WARNING torus receiver z+ input pipe error(s) detected
Hw ib_mthca: catastrophic error detected: internal parity error
"""),
    program("cloud-agents", "python plain", """
Ni Cloud-init v. {version} running 'modules:final' at {day}. Up {sec} seconds.
Ni cc_final_message: Cloud-init finished, 0 errors
Ni ec2 metadata token refreshed
Ni amazon-ssm-agent: Successfully registered the instance with AWS SSM
Ni walinuxagent: Agent {version} is running as the goal state agent
Ni util.py[DEBUG]: Read {num} bytes from {path}
Nd util.py: failed stat of optional {path}, continuing with defaults
Ni google_guest_agent: Created user {user} for OS Login
Tw url_helper.py: Calling 'http://169.254.169.254/latest/meta-data/instance-id' failed [{small}/120s]: request error [timed out]
Te amazon-ssm-agent: error when calling AWS APIs: RequestError: send request failed caused by: Post "https://ssm.eu-west-1.amazonaws.com/": dial tcp: i/o timeout
Ce cloud-init: Failed loading yaml blob. Invalid format at line {num} column {small}
Ce cc_users_groups: user {user}: unknown key {key}
Fe cloud-init: Failed running {path} [1]
Fw cc_scripts_user.py: Running module scripts-user failed
Se AccessDenied: User: arn:aws:iam::{big}:user/{user} is not authorized to perform: s3:DeleteBucket
Sw ExpiredTokenException: the security token included in the request is expired for {user}
Pw ThrottlingException: Rate exceeded for DescribeInstances
Pe Lambda: Task timed out after {small}.00 seconds
"""),
    program("ci", "plain none", """
Ni Running with gitlab-runner {version} ({hex})
Ni Checking out {hex} as detached HEAD (ref is main)...
Ni Job succeeded
Ni Build step 'Execute shell' finished
Ni Finished: SUCCESS
Ni npm warn deprecated {word}@{version}: no longer maintained
Ni Tests run: {num}, Failures: 0, Errors: 0, Skipped: 0
Ni {num} passed, {small} deselected in {sec}s
Ni Compiling {word}-error v{version}
Ni [INFO] BUILD SUCCESS
Ni Uploading artifacts as "archive" to coordinator... 201 Created
Fe ERROR: Job failed: exit code 1
Fe Finished: FAILURE
Fe Tests run: {num}, Failures: {small}, Errors: {small}, Skipped: 0
Fe FAILED tests/test_{word}.py::test_{word} - AssertionError: assert {num} == {num}
Fe [ERROR] COMPILATION ERROR : {path}:[{num},{small}] cannot find symbol
Te fatal: unable to access 'https://{fqdn}/{word}.git/': Could not resolve host: {fqdn}
Te Agent {host} is offline: connection was broken: java.nio.channels.ClosedChannelException
Pe ERROR: Job failed: execution took longer than 1h0m0s seconds
Pe No space left on device while writing cache.zip
Ce jobs:{word} config contains unknown keys: {key}
Ce (<unknown>): mapping values are not allowed in this context at line {num} column {small}
Se remote: HTTP Basic: Access denied for {user}
Sw Leaked credential found in commit {hex}: AWS access key in {path}
"""),
    program("monitoring", "logfmt json", """
Ni Server is ready to receive web requests.
Ni TSDB started
Ni write block mint={big} maxt={big} ulid={token} duration={ms}
Ni WAL segment loaded segment={small} maxSegment={small}
Ni Head GC completed duration={ms}
Ni Replaying on-disk memory mappable chunks if any
Ni inserted sample for metric errors_total
Ni logger=migrator Executing migration id="create alert table"
Ni HTTP Server Listen address=[::]:3000 protocol=http
Ni Alert rule evaluation finished rule="HighErrorRate" state=ok
Tw Error sending alert alertmanager=http://{addr}/api/v2/alerts count={small} err="Post: dial tcp {addr}: connect: connection refused"
Td Scrape failed target=http://{addr}/metrics err="Get: dial tcp: lookup {fqdn}: no such host"
Te remote write: server returned error; non-recoverable, connection reset by peer url=http://{fqdn}/write
Pw Scrape failed target=http://{addr}/metrics err="context deadline exceeded"
Pw Evaluating rule took longer than the interval group={word} duration={sec}s
Pe compaction failed err="write block: no space left on device"
Pe query processing would load too many samples into memory in query execution
Ce Error loading config (--config.file={conf}) err="parsing YAML file {conf}: unmarshal errors: line {num}: field {key} not found in type config.plain"
Ce invalid matcher "{word}" in route of {conf}
Cc Failed to load rule file {path}: group "{word}", rule {small}: could not parse expression: unexpected identifier
Fe Opening storage failed err="block {token}: corrupted index: invalid checksum"
Fe panic recovered in handler err="runtime error: index out of range [{small}]"
Se logger=context Invalid username or password uname={user} remote_addr={ip}
Sw logger=authn Too many consecutive incorrect login attempts for user {user}
"""),
    program("vault", "json plain", """
Ni core: vault is unsealed
Ni core: post-unseal setup complete
Ni expiration: revoked lease lease_id=auth/approle/login/{hash}
Ni raft: entering leader state: leader="Node at {addr} [Leader]"
Ni agent: Synced service service={svc}
Ni serf: EventMemberJoin: {host} {ip}
Ni nomad: task "{svc}" state received state=running
Tw raft: failed to contact server-id={uuid} time={sec}s
Te raft: failed to make requestVote RPC: target="{addr}" error="dial tcp {addr}: connect: connection refused"
Tw memberlist: Suspect {host} has failed, no acks received
Ti serf: EventMemberFailed: {host} {ip}
Fe core: failed to acquire lock, storage backend is corrupted
Fc core: shutdown triggered after seal failed
Fe agent: Check "service:{svc}" is now critical, process died
Se auth: permission denied for role {user} path=secret/data/{word} remote={ip}
Sw core: invalid token presented from {addr}
Ce error loading configuration from {conf}: At {num}:{small}: illegal character
Ce Error parsing config: storage stanza is required: {key}
Pw raft: heartbeat timeout reached while disk sync took {slowms}
"""),
]
