"""Shapes of the operating system's own programs: kernel, systemd, log-in, cron, packages."""

from corpus.grammar import program

PROGRAMS = [
    program("kernel", "kernel", """
Ni Linux version {version}-generic (buildd@{host}) (gcc version {version}) #{num} SMP
Ni Command line: BOOT_IMAGE=/boot/vmlinuz-{version} root=/dev/{dev} ro quiet [[splash|panic=10|nomodeset|mce=off]]
Ni BIOS-e820: [mem {addr64}-{addr64}] [[usable|reserved|ACPI data|ACPI NVS]]
Ni ACPI: [[SSDT|DSDT|FACP|APIC|HPET|MCFG|BERT|HEST|EINJ|ERST]] {addr64} {hex} (v02 INTEL  {hex})
Ni HEST: Table parsing has been initialized.
Ni ERST: Error Record Serialization Table (ERST) support is initialized.
Ni EDAC MC: Ver: {version}
Ni mce: CPU supports {small} MCE banks
Ni MCE: In-kernel MCE decoding enabled.
Ni Memory: {num}K/{num}K available ({num}K kernel code, {num}K rwdata)
Ni Freeing unused kernel image (initmem) memory: {num}K
Ni Freeing initrd memory: {num}K
Ni Zone ranges:
Ni   DMA32    [mem {addr64}-{addr64}]
Ni   HighMem zone: {num} pages, LIFO batch:{small}
Ni Built {small} zonelists, mobility grouping on.  Total pages: {num}
Ni CPU0: Thermal monitoring enabled (TM1)
Ni smpboot: CPU0: Intel(R) Xeon(R) CPU E5-{num} @ 2.40GHz (family: 0x6, model: 0x3f)
Ni smp: Brought up {small} nodes, {small} CPUs
Ni Calibrating delay loop... {num}.{small} BogoMIPS (lpj={num})
Ni Spectre V2 : Mitigation: Retpolines
Ni Kernel panic timeout set to {small} seconds
Ni NMI watchdog: Enabled. Permanently consumes one hw-PMU counter.
Ni audit: initializing netlink subsys (disabled)
Ni SELinux:  Initializing.
Ni random: crng init done
Ni NET: Registered [[PF_INET|PF_INET6|PF_NETLINK|PF_PACKET|PF_VSOCK]] protocol family
Ni TCP established hash table entries: {num} (order: {small}, {num} bytes)
Ni pci {pci}: [8086:{hex}] type 00 class 0x{hex}
Ni pci {pci}: reg 0x10: [mem {addr64}-{addr64}]
Ni pci {pci}: PME# supported from D0 D3hot D3cold
Ni pcieport {pci}: AER: enabled with IRQ {num}
Ni pci_bus 0000:00: root bus resource [io  0x0000-0x0cf7 window]
Ni usb {small}-{small}: new high-speed USB device number {small} using xhci_hcd
Ni usb {small}-{small}: New USB device found, idVendor={hex}, idProduct={hex}
Ni usb {small}-{small}: USB disconnect, device number {small}
Ni hub {small}-0:1.0: {small} ports detected
Ni scsi host{small}: ahci
Ni ata{small}: SATA link up 6.0 Gbps (SStatus 133 SControl 300)
Ni ata{small}: SATA link down (SStatus 0 SControl 300)
Ni ata{small}.00: configured for UDMA/133
Ni sd 0:0:{small}:0: [{dev}] {big} 512-byte logical blocks: ({size})
Ni sd 0:0:{small}:0: [{dev}] Attached SCSI disk
Ni sd 0:0:{small}:0: [{dev}] Write cache: enabled, read cache: enabled, doesn't support DPO or FUA
Ni EXT4-fs ({dev}): mounted filesystem with ordered data mode. Opts: errors=remount-ro
Ni EXT4-fs ({dev}): re-mounted. Opts: (null)
Ni EXT4-fs ({dev}): recovery complete
Ni EXT3-fs: mounted filesystem with ordered data mode.
Ni XFS ({dev}): Mounting V5 Filesystem
Ni XFS ({dev}): Ending clean mount
Ni BTRFS info (device {dev}): disk space caching is enabled
Ni Adding {num}k swap on /dev/{dev}.  Priority:-2 extents:1 across:{num}k
Ni md/raid1:{dev}: active with 2 out of 2 mirrors
Ni device-mapper: ioctl: 4.43.0-ioctl initialised: dm-devel@redhat.com
Ni e1000e {pci} {iface}: NIC Link is Up 1000 Mbps Full Duplex, Flow Control: Rx/Tx
Ni {iface}: renamed from eth0
Ni IPv6: ADDRCONF(NETDEV_CHANGE): {iface}: link becomes ready
Ni br0: port {small}({iface}) entered [[forwarding|learning|listening|blocking]] state
Ni device {iface} entered promiscuous mode
Ni cgroup: cgroup2: unknown option "nsdelegate"
Ni process '{path}' started with executable stack
Ni perf: interrupt took too long ({num} > {num}), lowering kernel.perf_event_max_sample_rate to {num}
Ni systemd[1]: Inserted module 'autofs4'
Ni rtc_cmos 00:01: setting system clock to {day} {clock} UTC
Ni clocksource: Switched to clocksource tsc
Ni Bluetooth: Core ver 2.22
Ni microcode: updated early to revision 0x{hex}, date = {day}
Ni intel_rapl: Found RAPL domain package
Ni nvme nvme{small}: pci function {pci}
Ni nvme nvme{small}: {small}/0/0 default/read/poll queues
Ni ACPI: Interpreter enabled
Ni ACPI BIOS: firmware tables verified, no errors found
Ni Failover mode: none, error correction enabled
Ni zswap: loaded using pool lzo/zbud
Ni Key type dns_resolver registered
Ni Loading compiled-in X.509 certificates
Ni ip_tables: (C) 2000-2006 Netfilter Core Team
Ni kauditd: hold queue limit {num}
Ni ISO 9660 Extensions: RRIP_1991A
Ni Probing EDD (edd=off to disable)... ok
Ni PM: suspend entry (deep)
Ni PM: resume of devices complete after {ms}
Ni wlan0: authenticated
Ni wlan0: associated
Ni watchdog: Software Watchdog: hard lockup detection enabled
Ni squashfs: version 4.0 (2009/01/31) Phillip Lougher
Ni fuse: init (API version 7.{small})
Fc Kernel panic - not syncing: [[VFS: Unable to mount root fs on unknown-block(0,0)|Attempted to kill init! exitcode=0x0000000b|Fatal exception in interrupt|hung_task: blocked tasks|softlockup: hung tasks]]
Fc BUG: unable to handle kernel [[NULL pointer dereference at|paging request at]] {addr64}
Fc BUG: kernel NULL pointer dereference, address: {addr64}
Fc kernel BUG at [[fs/ext4/inode.c|mm/slub.c|net/core/skbuff.c]]:{num}!
Fc Oops: 0002 [#1] SMP PTI
Fc general protection fault, probably for non-canonical address {addr64}: 0000 [#1] SMP
Fw watchdog: BUG: soft lockup - CPU#{small} stuck for 2{small}s! [{word}:{pid}]
Fc NMI watchdog: Watchdog detected hard LOCKUP on cpu {small}
Fe rcu: INFO: rcu_sched self-detected stall on CPU
Fi {svc}[{pid}]: segfault at {hex} ip {addr64} sp {addr64} error 4 in [[libc.so.6|libssl.so.3|{svc}]][{hex}+{hex}]
Fi traps: {svc}[{pid}] trap [[divide error|invalid opcode|int3]] ip:{hex} sp:{hex} error:0
Fi traps: {svc}[{pid}] general protection fault ip:{hex} sp:{hex} error:0
Fe EXT4-fs error (device {dev}): ext4_lookup:{num}: inode #{num}: comm {svc}: deleted inode referenced: {num}
Fe EXT4-fs ({dev}): Remounting filesystem read-only
Fe EXT4-fs ({dev}): VFS: Can't find ext4 filesystem
Fe XFS ({dev}): Corruption detected. Unmount and run xfs_repair
Fe XFS ({dev}): Metadata corruption detected at xfs_agf_verify, xfs_agf block {hex}
Fe Aborting journal on device {dev}-8.
Fw WARNING: CPU: {small} PID: {pid} at net/sched/sch_generic.c:{num} dev_watchdog
Fe md/raid:{dev}: not enough operational devices ({small}/4 failed)
Fw VFS: busy inodes after unmount of {dev}. Self-destruct in 5 seconds.
Pi INFO: task {svc}:{pid} blocked for more than 120 seconds.
Pe Out of memory: Killed process {pid} ({svc}) total-vm:{num}kB, anon-rss:{num}kB, file-rss:{num}kB
Pw {svc} invoked oom-killer: gfp_mask=0x{hex}(GFP_HIGHUSER_MOVABLE), order=0, oom_score_adj=0
Pe Memory cgroup out of memory: Killed process {pid} ({svc}) total-vm:{num}kB
Pi oom-kill:constraint=CONSTRAINT_MEMCG,nodemask=(null),cpuset={word},task={svc},pid={pid}
Pi oom_reaper: reaped process {pid} ({svc}), now anon-rss:0kB
Pw TCP: request_sock_TCP: Possible SYN flooding on port {port}. Sending cookies.
Pw nf_conntrack: nf_conntrack: table full, dropping packet
Pw {svc}: page allocation failure: order:{small}, mode:0x{hex}(GFP_ATOMIC)
Pw VFS: file-max limit {num} reached
Pw CPU{small}: Core temperature above threshold, cpu clock throttled (total events = {num})
Pi workqueue: {word}_work hogged CPU for >10000us {small} times, consider switching to WQ_UNBOUND
Pw neighbour: arp_cache: neighbor table overflow!
Pw TCP: out of memory -- consider tuning tcp_mem
Pw cgroup: fork rejected by pids controller in /system.slice/{svc}.service
Pw net_ratelimit: {num} callbacks suppressed
Ti e1000e {pci} {iface}: NIC Link is Down
Ti {iface}: Link is Down
Te igb {pci} {iface}: Reset adapter
Te NETDEV WATCHDOG: {iface} (e1000e): transmit queue 0 timed out
Tw bonding: bond0: link status definitely down for interface {iface}, disabling it
Ti {iface}: carrier lost
Te bnx2x: [bnx2x_attn_int_deasserted3:{num}({iface})]MC assert! link lost
Tw nfs: server {fqdn} not responding, [[still trying|timed out]]
Te nfs: server {host} not responding, timed out
Te CIFS VFS: \\\\{host} has not responded in 180 seconds. Reconnecting...
Te connection{small}:0: detected conn error (1021)
Te ceph: mon{small} {addr} session lost, hunting for new mon
Ti wlan0: deauthenticated from {mac} (Reason: 15=4WAY_HANDSHAKE_TIMEOUT)
Te rpc: connect to {ip} failed: no route to host
Tw TCP: {iface}: Driver has suspect GRO implementation, TCP performance may be compromised; retransmits rising
He mce: [Hardware Error]: Machine check events logged
He mce: [Hardware Error]: CPU {small}: Machine Check: 0 Bank {small}: {hex}
He [Hardware Error]: Corrected error, no action required.
He {1}[Hardware Error]: Hardware error from APEI Generic Hardware Error Source: {small}
He {1}[Hardware Error]:   physical_address: {addr64}
He {1}[Hardware Error]: event severity: [[fatal|recoverable|corrected]]
Hw EDAC MC{small}: {num} CE memory read error on CPU_SrcID#0_Ha#0_Chan#1_DIMM#{small}
He EDAC MC{small}: 1 UE memory scrubbing error on DIMM_A{small} (channel:0 slot:{small} page:0x{hex})
He Memory failure: 0x{hex}: recovery action for dirty LRU page: Recovered
Hw pcieport {pci}: AER: Corrected error received: {pci}
He pcieport {pci}: AER: Uncorrected (Fatal) error received: {pci}
He pcieport {pci}:   device [8086:{hex}] error status/mask=00000001/00002000
He {dev}: I/O error, dev {dev}, sector {big} op 0x0:(READ) flags 0x80700
He blk_update_request: [[I/O error|critical medium error|critical target error]], dev {dev}, sector {big}
He Buffer I/O error on dev {dev}, logical block {num}, [[lost async page write|async page read]]
He end_request: I/O error, dev {dev}, sector {big}
He sd 0:0:{small}:0: [{dev}] Sense Key : [[Medium Error|Hardware Error|Not Ready]] [current]
He sd 0:0:{small}:0: [{dev}] Add. Sense: [[Unrecovered read error|Write error|Logical unit failure]]
He sd 0:0:{small}:0: [{dev}] tag#{small} FAILED Result: hostbyte=DID_BAD_TARGET driverbyte=DRIVER_OK
He ata{small}.00: exception Emask 0x0 SAct 0x{hex} SErr 0x0 action 0x6 frozen
He ata{small}.00: failed command: [[READ FPDMA QUEUED|WRITE DMA EXT|FLUSH CACHE EXT]]
He ata{small}.00: error: { UNC }
He ata{small}: hard resetting link
He ata{small}: COMRESET failed (errno=-16)
He nvme nvme{small}: I/O {num} QID {small} timeout, [[aborting|reset controller]]
He nvme nvme{small}: controller is down; will reset: CSTS=0xffffffff, PCI_STATUS=0xffff
He nvme nvme{small}: Device not ready; aborting reset, CSTS=0x{small}
He nvme nvme{small}: Removing after probe failure status: -19
He md/raid1:{dev}: Disk failure on {dev}, disabling device.
He usb {small}-{small}: device descriptor read/64, error -71
He usb {small}-{small}: device not accepting address {small}, error -110
He thermal thermal_zone{small}: critical temperature reached ({hot} C), shutting down
He Uhhuh. NMI received for unknown reason {small} on CPU {small}.
He NVRM: Xid (PCI:{pci}): [[79, GPU has fallen off the bus.|48, pid={pid}, DBE (double bit error) ECC|63, Row remapping pending|74, NVLink error|94, Contained ECC error]]
He amdgpu {pci}: amdgpu: uncorrectable hardware errors detected in UMC block
He mpt3sas_cm0: log_info(0x31120303): originator(PL), code(0x12), sub_code(0x0303)
He mmc0: error -110 whilst initialising SD card
Ce Kernel command line: unknown parameter "{key}", refusing to apply
Cw {svc}: unknown parameter '{key}' ignored
Ce {word}: Unknown symbol {word}_register (err -2)
Ce {word}: disagrees about version of symbol module_layout
Ce EXT4-fs ({dev}): Unrecognized mount option "{word}" or missing value
Sn audit: type=1400 audit({num}.123:{num}): apparmor="DENIED" operation="open" profile="/usr/sbin/{svc}" name="{path}" pid={pid}
Sn audit: type=1400 avc:  denied  { [[read|write|execute]] } for  pid={pid} comm="{svc}" name="{word}" scontext=system_u:system_r:httpd_t:s0
Sw [UFW BLOCK] IN={iface} OUT= MAC={mac} SRC={ip} DST={ip} LEN=40 PROTO=TCP SPT={port} DPT=23 SYN
Sw Lockdown: {svc}: unsigned module loading is restricted; see man kernel_lockdown.7
Sw {word}: module verification failed: signature and/or required key missing - tainting kernel
Sw grsec: denied ptrace of {path} by {path}[{svc}:{pid}] uid/euid:{num}/{num}
"""),
    program("systemd", "syslog iso none", """
Ni Started {unit} - [[Daily apt upgrade and clean activities|Session {num} of user {user}|OpenBSD Secure Shell server|Regular background program processing daemon]].
Ni Starting {unit}...
Ni Stopped {unit}.
Ni Stopping {unit}...
Ni Reached target [[Multi-User System|Network is Online|Basic System|Timers|Shutdown|Emergency Mode prerequisites]].
Ni {unit}: Deactivated successfully.
Ni {unit}: Succeeded.
Ni {unit}: Consumed {sec}s CPU time.
Ni Finished {unit}.
Ni Reloading.
Ni Created slice User Slice of UID {num}.
Ni Removed slice User Slice of UID {num}.
Ni Listening on [[D-Bus System Message Bus Socket|Syslog Socket]].
Ni Mounted {path}.
Ni Startup finished in {sec}s (kernel) + {sec}s (userspace) = {sec}s.
Ni Set hostname to <{host}>.
Ni Condition check resulted in {unit} being skipped.
Ni Started Process error reports when automatic reporting is enabled (file watch).
Ni Starting Rule-based Manager for Device Events and Files...
Ni {unit}: Scheduled restart job, restart counter is at 1 after reload request.
Ni Time has been changed
Fw {unit}: Main process exited, code=[[dumped, status=11/SEGV|killed, status=9/KILL|exited, status=1/FAILURE|dumped, status=6/ABRT]]
Fw {unit}: Failed with result '[[exit-code|signal|core-dump|protocol]]'.
Fe Failed to start {unit} - {svc} daemon.
Fe {unit}: Start request repeated too quickly.
Fe {unit}: Service hold-off time over, giving up.
Fe Dependency failed for {unit}.
Fe {unit}: Control process exited, code=exited, status=1/FAILURE
Fc Freezing execution.
Fe Caught <SEGV>, dumped core as pid {pid}.
Fn {unit}: Unit entered failed state.
Pw {unit}: start operation timed out. Terminating.
Pe {unit}: Watchdog timeout (limit 30s)!
Pe {unit}: A process of this unit has been killed by the OOM killer.
Pw {unit}: State 'stop-sigterm' timed out. Killing.
Pw {unit}: Failed with result 'timeout'.
Pi {unit}: Failed with result 'oom-kill'.
Ce {conf}:{num}: Unknown key name '{key}' in section 'Service', ignoring.
Ce {unit}: Unit configuration has fatal error, unit will not be started.
Ce {unit}: Executable {path} missing, skipping: No such file or directory
Ce {unit}: Failed at step EXEC spawning {path}: No such file or directory
Ce {unit}: Failed to determine user credentials: No such process
Ce /etc/systemd/system/{unit}:{small}: Failed to parse [[boolean|service restart specifier|resource limit]] value, ignoring: {word}
Ce {unit}: Service has no ExecStart=, ExecStop=, or SuccessAction=. Refusing.
Ce Failed to load environment files: No such file or directory
"""),
    program("systemd-logind", "syslog iso", """
Ni New session {num} of user {user}.
Ni Removed session {num}.
Ni Session {num} logged out. Waiting for processes to exit.
Ni New seat seat0.
Ni Watching system buttons on /dev/input/event{small} (Power Button)
Ni Power key pressed.
Ni System is powering down.
Fe Failed to start user service, ignoring: Unknown unit: user@{num}.service
Pw Existing logind session limit reached, refusing session for {user}
"""),
    program("systemd-resolved", "syslog iso", """
Ni Positive Trust Anchors:
Ni Using system hostname '{host}'.
Ni Clock change detected. Flushing caches.
Ni {iface}: Bus client set default route setting: yes
Nw Server returned error NXDOMAIN, mitigating potential DNS violation DVE-2018-0001, retrying transaction with reduced feature level UDP.
Tw Using degraded feature set UDP instead of TCP for DNS server {ip}.
Tw DNS server {ip} did not respond, giving up on query for {fqdn}
Sw DNSSEC validation failed for question {fqdn} IN A: no-signature
"""),
    program("sshd", "syslog iso rfc5424", """
Ni Server listening on 0.0.0.0 port 22.
Ni Accepted publickey for {user} from {ip} port {port} ssh2: RSA SHA256:{token}
Ni Accepted keyboard-interactive/pam for {user} from {ip} port {port} ssh2
Ni Accepted password for {user} from {ip} port {port} ssh2
Ni pam_unix(sshd:session): session opened for user {user}(uid={num}) by (uid=0)
Ni pam_unix(sshd:session): session closed for user {user}
Ni Received disconnect from {ip} port {port}:11: disconnected by user
Ni Disconnected from user {user} {ip} port {port}
Ni subsystem request for sftp by user {user}
Ni Starting session: shell on pts/{small} for {user} from {ip} port {port} id 0
Ni Received signal 15; terminating.
Nd debug1: userauth-request for user {user} service ssh-connection method none
Ni Received SIGHUP; restarting.
Ni Postponed publickey for {user} from {ip} port {port} ssh2 [preauth]
Ni User child is on pid {pid}
Si Failed password for {user} from {ip} port {port} ssh2
Si Failed password for invalid user {user} from {ip} port {port} ssh2
Si Failed none for invalid user {user} from {ip} port {port} ssh2
Si Failed keyboard-interactive/pam for {user} from {ip} port {port} ssh2
Si Failed publickey for {user} from {ip} port {port} ssh2: ED25519 SHA256:{token}
Si Invalid user {user} from {ip} port {port}
Si Illegal user {user} from {ip}
Si input_userauth_request: invalid user {user} [preauth]
Si pam_unix(sshd:auth): authentication failure; logname= uid=0 euid=0 tty=ssh ruser= rhost={ip}  user={user}
Si pam_unix(sshd:auth): check pass; user unknown
Si PAM {small} more authentication failures; logname= uid=0 euid=0 tty=ssh ruser= rhost={fqdn}
Si PAM service(sshd) ignoring max retries; {small} > 3
Se error: maximum authentication attempts exceeded for {user} from {ip} port {port} ssh2 [preauth]
Si message repeated {small} times: [ Failed password for {user} from {ip} port {port} ssh2]
Si Disconnecting authenticating user {user} {ip} port {port}: Too many authentication failures [preauth]
Si User {user} from {ip} not allowed because not listed in AllowUsers
Si Address {ip} maps to {fqdn}, but this does not map back to the address - POSSIBLE BREAK-IN ATTEMPT!
Si reverse mapping checking getaddrinfo for {fqdn} [{ip}] failed - POSSIBLE BREAK-IN ATTEMPT!
Si Did not receive identification string from {ip} port {port}
Si Bad protocol version identification '[[GET / HTTP/1.1|\\003|EHLO]]' from {ip} port {port}
Si ROOT LOGIN REFUSED FROM {ip} port {port}
Se error: Certificate invalid: expired for {user}
Si refused connect from {fqdn} ({ip})
Ti fatal: Timeout before authentication for {ip} port {port}
Ti Read error from remote host {ip} port {port}: [[Connection reset by peer|Connection timed out]]
Ti Timeout, client not responding from user {user} {ip} port {port}
Te fatal: Write failed: Broken pipe
Ti ssh_dispatch_run_fatal: Connection from {ip} port {port}: Broken pipe
Te error: connect_to {ip} port {port}: failed.
Te error: Bind to port 22 on 0.0.0.0 failed: Address already in use.
Ce {path}: line {num}: Bad configuration option: {key}
Ce {path}: terminating, {small} bad configuration options
Ce error: Could not load host key: /etc/ssh/ssh_host_ecdsa_key
Ce fatal: No supported key exchange algorithms, check KexAlgorithms in {conf}
Ce {conf} line {num}: Deprecated or unsupported option {key}
Ce Missing privilege separation directory: /run/sshd
Pe error: beginning MaxStartups throttling
Pi drop connection #{small} from [{ip}]:{port} on [{ip}]:22 past MaxStartups
Fe fatal: mm_answer_sign: sign: error in libcrypto, aborting
Fe error: fork: Cannot allocate memory, child aborted
"""),
    program("sudo", "syslog iso", """
Ni {user} : TTY=pts/{small} ; PWD={path} ; USER=root ; COMMAND=/usr/bin/[[apt update|systemctl restart {svc}|tail -f /var/log/error.log|journalctl -xe|vi {conf}]]
Ni pam_unix(sudo:session): session opened for user root(uid=0) by {user}(uid={num})
Ni pam_unix(sudo:session): session closed for user root
Sn {user} : user NOT in sudoers ; TTY=pts/{small} ; PWD={path} ; USER=root ; COMMAND=/bin/bash
Sn {user} : {small} incorrect password attempts ; TTY=pts/0 ; PWD={path} ; USER=root ; COMMAND=/usr/bin/su
Sn {user} : command not allowed ; TTY=pts/0 ; PWD={path} ; USER=root ; COMMAND=/usr/sbin/visudo
Sn pam_unix(sudo:auth): authentication failure; logname={user} uid={num} euid=0 tty=/dev/pts/{small} ruser={user} rhost=  user={user}
Sn pam_unix(sudo:auth): conversation failed
Ce {conf}:{num}:{small}: syntax error near line {num} <<<
Ce no valid sudoers sources found, quitting
Ce unable to stat {conf}: No such file or directory
Tw unable to resolve host {host}: Name or service not known
"""),
    program("su", "syslog iso", """
Ni (to {user}) {user} on pts/{small}
Ni pam_unix(su:session): session opened for user {user} by {user}(uid=0)
Ni pam_unix(su:session): session closed for user {user}
Ni su(pam_unix)[{pid}]: session opened for user {user} by (uid=0)
Ni session closed for user {user}
Sn FAILED SU (to root) {user} on pts/{small}
Sn pam_authenticate: Authentication failure
Sn BAD SU {user} to root on /dev/ttyp{small}
"""),
    program("login", "syslog", """
Ni LOGIN ON tty{small} BY {user}
Ni ROOT LOGIN ON tty1
Ni pam_unix(login:session): session opened for user {user}(uid=0) by LOGIN(uid=0)
Sn FAILED LOGIN ({small}) on '/dev/tty{small}' FOR '{user}', Authentication failure
Sn FAILED LOGIN SESSION FROM {host} FOR {user}, Error in service module
Sw TOO MANY LOGIN TRIES ({small}) on '/dev/tty1' FOR '{user}'
Sn authentication failure; logname={user} uid=0 euid=0 tty=ttyS0 ruser= rhost=
Sw pam_faillock(login:auth): Consecutive login failures for user {user} account temporarily locked
Sn check pass; user unknown
Si pam_succeed_if(login:auth): requirement "uid >= 1000" not met by user "root"
Sw pam_tally2(login:auth): user {user} (1001) tally {small}, deny 3
"""),
    program("CRON", "syslog iso", """
Ni ({user}) CMD ([[   cd / && run-parts --report /etc/cron.hourly|{path} > /dev/null 2>&1|/usr/lib/sa/sa1 1 1|test -x /usr/sbin/anacron]])
Ni pam_unix(cron:session): session opened for user root(uid=0) by (uid=0)
Ni pam_unix(cron:session): session closed for user root
Ni (CRON) INFO (Running @reboot jobs)
Ni (root) RELOAD (crontabs/root)
Ni Job `cron.daily' terminated
Ni (user {user}) LIST ({user})
Ni run-parts({path})[{pid}]: finished {word}
Fe (CRON) error (grandchild #{pid} failed with exit status {small})
Fe run-parts: {path} exited with return code {small}
Ce ({user}) WRONG FILE OWNER ({path})
Ce (*system*) BAD FILE MODE ({conf})
Ce Error: bad [[minute|hour|command|username]]; while reading {conf}
Ce (*system*{word}) NO NEWLINE AT EOF, ignored
"""),
    program("auditd", "syslog none", """
Ni type=USER_LOGIN msg=audit({num}.{num}:{num}): pid={pid} uid=0 auid={num} ses={small} msg='op=login acct="{user}" exe="/usr/sbin/sshd" addr={ip} terminal=ssh res=success'
Ni type=SERVICE_START msg=audit({num}.{num}:{num}): pid=1 uid=0 msg='unit={svc} comm="systemd" res=success'
Ni type=CRED_DISP msg=audit({num}.{num}:{num}): pid={pid} uid=0 msg='op=PAM:setcred acct="root" res=success'
Ni Init complete, auditd {version} listening for events (startup state enable)
Si type=USER_LOGIN msg=audit({num}.{num}:{num}): pid={pid} uid=0 msg='op=login acct="{user}" exe="/usr/sbin/sshd" addr={ip} terminal=ssh res=failed'
Si type=USER_AUTH msg=audit({num}.{num}:{num}): pid={pid} msg='op=PAM:authentication acct="{user}" res=failed'
Si type=AVC msg=audit({num}.{num}:{num}): avc:  denied  { name_connect } for  pid={pid} comm="{svc}" dest={port}
Si type=ANOM_PROMISCUOUS msg=audit({num}.{num}:{num}): dev={iface} prom=256 old_prom=0 auid={num}
Si type=ANOM_ABEND msg=audit({num}.{num}:{num}): possible exploit: pid={pid} comm="{svc}" sig=11
Pw queue to plugins is full - dropping event
Pw Audit daemon is low on disk space for logging
Ce Value {word} should only be numbers in {conf} line {small}
Ce Unknown keyword "{key}" in line {small} of {conf}
"""),
    program("dpkg-apt", "plain none syslog", """
Ni status installed {word}:amd64 {version}-1
Ni upgrade lib{word}-error-perl:amd64 {version} {version}
Ni configure {svc}-failover:all {version} <none>
Ni trigproc man-db:amd64 {version}
Ni Packages that will be upgraded: {word} {svc} libssl3
Ni No packages found that can be upgraded unattended and no pending auto-removals
Ni 0 upgraded, 0 newly installed, 0 to remove and {small} not upgraded.
Ni Setting up liberror-{word} ({version}) ...
Te Err:1 http://{fqdn} stable InRelease  [[Temporary failure resolving '{fqdn}'|Could not connect to {addr} (connection timed out)]]
Te W: Failed to fetch http://{fqdn}/dists/stable/InRelease  Could not resolve '{fqdn}'
Se W: GPG error: http://{fqdn} stable InRelease: The following signatures couldn't be verified because the public key is not available: NO_PUBKEY {hex}
Se E: The repository 'http://{fqdn} stable Release' is not signed.
Ce E: Malformed entry {small} in list file {path} (Suite)
Ce E: The package {word} needs to be reinstalled, but I can't find an archive for it.
Fe dpkg: error processing package {svc} (--configure): installed {svc} package post-installation script subprocess returned error exit status 1
Fe E: Sub-process /usr/bin/dpkg returned an error code (1)
Pe E: You don't have enough free space in /var/cache/apt/archives/.
"""),
    program("rsyslogd", "syslog", """
Ni [origin software="rsyslogd" swVersion="{version}" x-pid="{pid}" x-info="https://www.rsyslog.com"] start
Ni [origin software="rsyslogd" swVersion="{version}" x-pid="{pid}"] rsyslogd was HUPed
Ni imuxsock: Acquired UNIX socket '/run/systemd/journal/syslog' (fd 3) from systemd.
Ni rsyslogd's userid changed to {num}
Ni exiting on signal 15.
Te cannot connect to {addr}: Connection refused
Te omfwd: TCPSendBuf error -2027, destruct TCP Connection to {addr}
Te action 'action-{small}-builtin:omfwd' suspended (module 'builtin:omfwd'), retry {small}
Pw imjournal: {num} messages lost due to rate-limiting (20000 allowed within 600 seconds)
Pw main queue: high water mark reached, {num} messages queued
Ce error during parsing file {conf}, on or before line {small}: invalid character '{word}' - is there an invalid escape sequence somewhere?
Ce could not load module '{word}', errors: trying to load module {path}: cannot open shared object file: No such file or directory
Ce parameter '{key}' not known -- typo in config file?
Fe fatal error on disk queue 'action 2 queue', emergency switch to direct mode
"""),
    program("macos", "plain syslog", """
Ni com.apple.xpc.launchd[1] (com.apple.{word}.{pid}): Service exited due to SIGKILL | sent by mds[{pid}]
Ni ARPT: {num}.{num}: wl0: wl_update_tcpkeep_seq: Original Seq: {num}, Ack: {num}
Ni WindowServer: CGXDisplayDidWakeNotification [{num}]: posting kCGSDisplayDidWake
Ni hibernate image path: /var/vm/sleepimage
Ni en0: BSSID changed to {mac}
Ni com.apple.cts[{pid}]: com.apple.suggestions.harvest: scheduler_evaluate_activity told me to run this job
Ni sharingd[{pid}]: Discoverable mode changed to Off
Ni Wake reason: EC.LidOpen (User)
Fe ReportCrash[{pid}]: Saved crash report for {svc}[{pid}] version {version} to /Library/Logs/DiagnosticReports/{svc}.crash
Fe kernel: userspace watchdog timeout: no successful checkins from com.apple.WindowServer in 120 seconds
Te kernel: en0: channel changed, link down
Te mDNSResponder[{pid}]: tcp connect to {addr} failed: Network is unreachable
Pe kernel: low swap: killing largest compressed process with pid {pid} ({svc}) and size {num} MB
Se Security Agent: authentication failed for user {user}, wrong password
Se kernel: Sandbox: {svc}({pid}) deny(1) file-read-data {path}
He kernel: disk{small}s1: I/O error.
He kernel: SMC battery: service recommended, cell voltage fault
"""),
    program("android", "plain none", """
Ni I/ActivityManager( {pid}): Start proc {pid}:com.example.{word}/u0a{num} for activity
Ni D/WifiStateMachine: CMD_RSSI_POLL rssi=-{small} freq=5220
Ni I/PowerManagerService: Going to sleep due to screen timeout (uid 1000)...
Ni D/PowerManagerService: acquireWakeLockInternal: lock={num}, flags=0x1, tag="*job*", ws=null, uid={num}
Ni V/WindowManager: Relayout Window{hex}: viewVisibility=0 req=1080x1920
Ni I/art: Background concurrent mark sweep GC freed {num} objects, paused 2ms total {ms}
Ni D/NetworkErrorHandler: registered observer
Fe E/AndroidRuntime: FATAL EXCEPTION: main
Fe F/libc: Fatal signal 11 (SIGSEGV), code 1, fault addr 0x{hex} in tid {pid} (RenderThread)
Fe E/AndroidRuntime: java.lang.{exception}: Attempt to invoke virtual method on a null object reference
Pe E/ActivityManager: ANR in com.example.{word} (com.example.{word}/.MainActivity)
Pw I/Choreographer: Skipped {num} frames!  The application may be doing too much work on its main thread.
Pw E/ActivityManager: Low on memory: killing {pid}:com.example.{word}
Te W/System.err: java.net.UnknownHostException: Unable to resolve host "{fqdn}": No address associated with hostname
Se E/KeyguardViewMediator: too many failed unlock attempts, device locked for 30 seconds
Sw W/PackageManager: Permission Denial: com.example.{word} requires android.permission.READ_SMS
He E/ThermalEngine: sensor battery critical threshold reached: {hot}000 mC
"""),
    program("windows", "plain none", """
Ni The Windows Update service entered the [[running|stopped]] state.
Ni An account was successfully logged on. Subject: S-1-5-18 Account Name: {user} Logon Type: [[3|5|7]]
Ni An account was logged off. Account Name: {user}
Ni Special privileges assigned to new logon. Account Name: {user}
Ni CBS    Loaded Servicing Stack v{version} with Core: {path}
Ni CBS    SQM: Failed uploads: 0, queued uploads: 0
Ni The system uptime is {num} seconds.
Ni Installation Successful: Windows successfully installed the following update: KB{num}
Ni The Event log service was started.
Ni Windows Error Reporting Service was disabled by policy; nothing to send
Se An account failed to log on. Account Name: {user} Failure Reason: Unknown user name or bad password. Source Network Address: {ip}
Se A user account was locked out. Account Name: {user} Caller Computer Name: {host}
Sw Windows Defender Antivirus has detected malware or other potentially unwanted software. Name: Trojan:Win32/{word}
Sw The audit log was cleared. Subject: Account Name: {user}
Si A member was added to a security-enabled global group. Group Name: Domain Admins Member: {user}
Se Kerberos pre-authentication failed. Account Name: {user} Client Address: {ip} Failure Code: 0x18
Fe Faulting application name: {svc}.exe, version: {version}, faulting module name: ntdll.dll, exception code: 0xc0000005
Fe The {svc} service terminated unexpectedly.  It has done this {small} time(s).
Fc The computer has rebooted from a bugcheck.  The bugcheck was: 0x0000007e
Fc The system has rebooted without cleanly shutting down first.
Fe The {svc} service terminated with the following error: The system cannot find the file specified.
Pw Windows successfully diagnosed a low virtual memory condition.
Pe A timeout (30000 milliseconds) was reached while waiting for a transaction response from the {svc} service.
Pe The C: disk is at or near capacity. You may need to delete some files.
Te The browser service has failed to retrieve the backup list: the network path was not found.
Tw Name resolution for the name {fqdn} timed out after none of the configured DNS servers responded.
Tw The system detected that network adapter {word} was disconnected from the network.
Ce The {svc} service failed to start due to the following error: The service did not start because its dependency group is not configured. {key}
Ce Windows cannot load the registry value {key}: invalid data type.
Ce The description string for parameter reference (%1) could not be found; configuration file {path} is malformed
He The device, \\Device\\Harddisk{small}\\DR{small}, has a bad block.
He An error was detected on device \\Device\\Harddisk{small} during a paging operation.
He A fatal hardware error has occurred. Reported by component: Processor Core
He The driver detected a controller error on \\Device\\RaidPort0.
"""),
]
