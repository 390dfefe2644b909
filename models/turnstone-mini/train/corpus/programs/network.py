"""Shapes of network gear, names, addresses, VPN, firewalls, intrusion detection."""

from corpus.grammar import program

PROGRAMS = [
    program("cisco-ios", "cisco syslog", """
Nn %SYS-5-CONFIG_I: Configured from console by {user} on vty0 ({ip})
Nn %LINK-3-UPDOWN: Interface {iface}, changed state to up
Nn %LINEPROTO-5-UPDOWN: Line protocol on Interface {iface}, changed state to up
Nn %BGP-5-ADJCHANGE: neighbor {ip} Up
Nn %OSPF-5-ADJCHG: Process 1, Nbr {ip} on {iface} from LOADING to FULL, Loading Done
Nn %SEC_LOGIN-5-LOGIN_SUCCESS: Login Success [user: {user}] [Source: {ip}] [localport: 22]
Ni %SYS-6-LOGGINGHOST_STARTSTOP: Logging to host {ip} port 514 started
Ni %ENTITY-6-FAN: fan tray {small} speed changed to normal
Tn %LINK-3-UPDOWN: Interface {iface}, changed state to down
Tn %LINEPROTO-5-UPDOWN: Line protocol on Interface {iface}, changed state to down
Tn %BGP-5-ADJCHANGE: neighbor {ip} Down [[BGP Notification sent|Peer closed the session|hold time expired]]
Tn %OSPF-5-ADJCHG: Process 1, Nbr {ip} on {iface} from FULL to DOWN, Neighbor Down: Dead timer expired
Tw %SPANTREE-2-ROOTGUARD_BLOCK: Root guard blocking port {iface} on VLAN{num}
Te %ETHCNTR-3-LOOP_BACK_DETECTED: Keepalive packet loop-back detected on {iface}.
Tw %SW_MATM-4-MACFLAP_NOTIF: Host {mac} in vlan {num} is flapping between port {iface} and port {iface}
Tw %CDP-4-DUPLEX_MISMATCH: duplex mismatch discovered on {iface}
Sw %SEC_LOGIN-4-LOGIN_FAILED: Login failed [user: {user}] [Source: {ip}] [localport: 22] [Reason: Login Authentication Failed]
Si %SEC-6-IPACCESSLOGP: list 101 denied tcp {ip}({port}) -> {ip}({port}), 1 packet
Se %PORT_SECURITY-2-PSECURE_VIOLATION: Security violation occurred, caused by MAC address {mac} on port {iface}.
Sw %DHCP_SNOOPING-5-DHCP_SNOOPING_UNTRUSTED_PORT: DHCP_SNOOPING drop message on untrusted port
He %ENVMON-2-FAN_FAILED: Fan {small} has failed
He %PLATFORM_ENV-1-PSU: Power supply {small} failed or is not responding
Hw %ENVIRONMENTAL-4-TEMP: Temperature of module {small} is {hot}C, above threshold
He %C6KPWR-SP-4-PSFAIL: power supply {small} output failed.
He %SFP-3-BAD_EEPROM: transceiver in {iface} reports checksum failure
Pw %SYS-2-MALLOCFAIL: Memory allocation of {num} bytes failed from 0x{hex}
Pw %SYS-1-CPURISINGTHRESHOLD: Threshold: Total CPU Utilization(Total/Intr): {hpct}/{small}%
Pw %QOS-4-OUTPUT_DROPS: output queue full on {iface}
Fc %SYS-5-RESTART: System restarted by unexpected exception, crashinfo written
Fe %SYSMGR-2-SERVICE_CRASHED: Service "{word}" (PID {pid}) hasn't caught signal 11 (core will be saved).
Ce % Invalid input detected at '^' marker: {word}
Cw %PARSER-4-BADCFG: Unexpected end of configuration file {path}
Ce %BGP-3-BADASN: peer {ip} in wrong AS {num}, check remote-as
"""),
    program("junos", "syslog iso", """
Ni mgd[{pid}]: UI_COMMIT_COMPLETED: commit complete
Ni rpd[{pid}]: bgp_connect_complete: peer {ip} (External AS {num}) established
Ni sshd: Accepted publickey for {user}
Ni craftd: fpc{small} minor alarm cleared
Tw rpd[{pid}]: RPD_BGP_NEIGHBOR_STATE_CHANGED: BGP peer {ip} (External AS {num}) changed state from Established to Idle (event HoldTime)
Tw mib2d[{pid}]: SNMP_TRAP_LINK_DOWN: ifIndex {num}, ifAdminStatus up(1), ifOperStatus down(2), ifName {iface}
Te rpd[{pid}]: RPD_OSPF_NBRDOWN: OSPF neighbor {ip} (realm ospf-v2 {iface}) state changed from Full to Down
Ce mgd[{pid}]: UI_CONFIGURATION_ERROR: Process: rpd, path: [edit protocols bgp], statement: group {word}, error: peer address not configured
He chassisd[{pid}]: CHASSISD_PSU_FAILURE: Power supply {small} failure
He chassisd[{pid}]: CHASSISD_OVER_TEMP_CONDITION: chassis temperature over {hot} degrees C
He fpc{small} XL chip: uncorrectable parity error in memory block
Fe chassisd[{pid}]: process rpd (PID {pid}) exited on signal 6, core dumped
Se sshd: SSHD_LOGIN_FAILED: Login failed for user '{user}' from host '{ip}'
Si RT_FLOW: RT_FLOW_SESSION_DENY: session denied {ip}/{port}->{ip}/{port} None 6(0) default-deny
Pw rpd[{pid}]: task {word} slip {small} sec, scheduler delayed
"""),
    program("named", "syslog plain", """
Ni zone {domain}/IN: loaded serial {num}
Ni all zones loaded
Ni running
Ni listening on IPv4 interface {iface}, {ip}#53
Ni client @0x{hex} {ip}#{port} ({fqdn}): query: {fqdn} IN A +E(0)K ({ip})
Ni zone {domain}/IN: sending notifies (serial {num})
Ni transfer of '{domain}/IN' from {ip}#53: Transfer completed: {small} messages, {num} records
Ti [[connection refused|network unreachable|host unreachable]] resolving '{fqdn}/A/IN': {ip}#53
Ti transfer of '{domain}/IN' from {ip}#53: failed to connect: timed out
Ti zone {domain}/IN: refresh: retry limit for master {ip}#53 exceeded (source 0.0.0.0#0)
Te could not listen on UDP socket: address in use
Si client @0x{hex} {ip}#{port} ({fqdn}): query (cache) '{fqdn}/A/IN' denied
Si client @0x{hex} {ip}#{port}: zone transfer '{domain}/AXFR/IN' denied
Si client {ip}#{port}: request has invalid signature: TSIG {word}: tsig verify failure (BADKEY)
Ce {conf}:{num}: unknown option '{key}'
Ce {conf}:{num}: missing ';' before '}'
Ce zone {domain}/IN: loading from master file {path} failed: file not found
Ce loading configuration: unexpected token
Fc {word}.c:{num}: REQUIRE(({word}) != ((void *)0)) failed, exiting (due to assertion failure)
Pw no more recursive clients: quota reached ({num}/{num}/{num})
Pi client {ip}#{port}: rate limit drop all response to {ip}/24
"""),
    program("dnsmasq", "syslog", """
Ni started, version {version} cachesize 150
Ni query[A] {fqdn} from {ip}
Ni reply {fqdn} is {ip}
Ni reply {fqdn} is NXDOMAIN
Ni forwarded {fqdn} to {ip}
Ni DHCPACK({iface}) {ip} {mac} {host}
Ni reading /etc/resolv.conf
Tw nameserver {ip} refused to do a recursive query
Te failed to create listening socket for {ip}: Address already in use
Te no servers found in /etc/resolv.conf, will retry
Pw Maximum number of concurrent DNS queries reached (max: 150)
Ce bad option at line {num} of {conf}
Ce cannot read {path}: No such file or directory
Sw possible DNS-rebind attack detected: {fqdn}
"""),
    program("dhclient", "syslog", """
Ni DHCPDISCOVER on {iface} to 255.255.255.255 port 67 interval {small}
Ni DHCPREQUEST of {ip} on {iface} to {ip} port 67
Ni DHCPACK of {ip} from {ip}
Ni bound to {ip} -- renewal in {num} seconds.
Ni DHCPOFFER on {ip} to {mac} via {iface}
Ni DHCPRELEASE of {ip} from {mac} via {iface} (found)
Ti No DHCPOFFERS received.
Tw send_packet: Network is unreachable
Te receive_packet failed on {iface}: Network is down
Pe DHCPDISCOVER from {mac} via {iface}: network 10.0.0.0/24: no free leases
Tw DHCPDECLINE of {ip} from {mac} via {iface}: abandoned, address conflict
Ce {conf} line {num}: semicolon expected.
Ce No subnet declaration for {iface} ({ip}).
Ce {conf} line {num}: unknown option dhcp.{word}
"""),
    program("NetworkManager", "syslog", """
Ni <info>  [{num}.{num}] device ({iface}): state change: ip-config -> ip-check (reason 'none', sys-iface-state: 'managed')
Ni <info>  [{num}.{num}] device ({iface}): Activation: successful, device activated.
Ni <info>  [{num}.{num}] dhcp4 ({iface}): state changed new lease, address={ip}
Ni <info>  [{num}.{num}] manager: NetworkManager state is now CONNECTED_GLOBAL
Tw <warn>  [{num}.{num}] device ({iface}): Activation: failed for connection '{word}'
Ti <info>  [{num}.{num}] device ({iface}): carrier: link disconnected
Tw <warn>  [{num}.{num}] dhcp4 ({iface}): request timed out
Ti <info>  [{num}.{num}] manager: NetworkManager state is now DISCONNECTED
Cw <warn>  [{num}.{num}] config: unknown key '{key}' in section [main] of file '{conf}'
Cw <warn>  [{num}.{num}] keyfile: load: "{path}": failed to load connection: invalid connection: {key}: property is invalid
Sw <warn>  [{num}.{num}] device (wlan0): Activation: (wifi) secrets were required but not provided, wrong PSK
"""),
    program("openvpn", "syslog plain", """
Ni Initialization Sequence Completed
Ni {user}/{addr} MULTI: Learn: {ip} -> {user}/{addr}
Ni {addr} TLS: Initial packet from [AF_INET]{addr}, sid={hex} {hex}
Ni {addr} VERIFY OK: depth=0, CN={user}
Ni {user}/{addr} SIGUSR1[soft,remote-exit] received, client-instance restarting
Te TLS Error: TLS key negotiation failed to occur within 60 seconds (check your network connectivity)
Ti {user}/{addr} [{user}] Inactivity timeout (--ping-restart), restarting
Te RESOLVE: Cannot resolve host address: {fqdn}:1194 (Name or service not known)
Te read UDPv4 [ECONNREFUSED]: Connection refused (code=111)
Se {addr} VERIFY ERROR: depth=0, error=certificate has expired: CN={user}
Se {addr} TLS Auth Error: Auth Username/Password verification failed for peer
Se {addr} TLS Error: incoming packet authentication failed from [AF_INET]{addr}
Ce Options error: Unrecognized option or missing or extra parameter(s) in {conf}:{num}: {key}
Ce Options error: --ca fails with '{path}': No such file or directory (errno=2)
Cw WARNING: 'cipher' is used inconsistently, local='cipher AES-256-GCM', remote='cipher BF-CBC'
Fe Exiting due to fatal error
Pw MULTI: new incoming connection would exceed maximum number of clients ({num})
"""),
    program("strongswan", "syslog", """
Ni {small}[IKE] IKE_SA {word}[{small}] established between {ip}[{fqdn}]...{ip}[{fqdn}]
Ni {small}[NET] sending packet: from {ip}[500] to {ip}[500] ({num} bytes)
Ni {small}[IKE] sending DPD request
Ni {small}[CFG] added configuration '{word}'
Ti {small}[IKE] giving up after 5 retransmits
Ti {small}[IKE] peer not responding, trying again ({small}/3)
Se {small}[IKE] received AUTHENTICATION_FAILED notify error
Se {small}[IKE] no matching peer config found for {user}, tried {small} shared keys: MAC mismatched
Ce {small}[CFG] loading connection '{word}' failed: invalid value for: {key}
Ce {small}[IKE] received NO_PROPOSAL_CHOSEN notify, no CHILD_SA built; proposals of {conf} do not match
"""),
    program("firewall", "syslog plain none", """
Ni %ASA-6-302013: Built outbound TCP connection {num} for outside:{ip}/{port} to inside:{ip}/{port}
Ni %ASA-6-302014: Teardown TCP connection {num} for outside:{ip}/{port} duration 0:00:30 bytes {num} TCP FINs
Ni %ASA-5-111008: User '{user}' executed the 'write memory' command.
Ni filterlog: {num},,,{num},{iface},match,pass,out,4,0x0,,64,{num},0,none,17,udp,72,{ip},{ip},{port},53,52
Ni date={day} time={clock} type="traffic" subtype="forward" action="accept" srcip={ip} dstip={ip} policyid={num}
Ni iptables: rules restored, 0 errors
Si %ASA-4-106023: Deny tcp src outside:{ip}/{port} dst inside:{ip}/{port} by access-group "outside_in"
Sw %ASA-2-106001: Inbound TCP connection denied from {ip}/{port} to {ip}/{port} flags SYN on interface outside
Sw %ASA-6-605004: Login denied from {ip}/{port} to outside:{ip}/ssh for user "{user}"
Sw %ASA-4-733100: [Scanning] drop rate-1 exceeded. Current burst rate is {num} per second
Si date={day} time={clock} type="utm" subtype="ips" level="alert" attack="Apache.Log4j.Error.Log.Remote.Code.Execution" srcip={ip} action="dropped"
Sw date={day} time={clock} type="event" action="login" status="failed" user="{user}" srcip={ip} reason="passwd_invalid"
Sw IPTABLES-DROP: IN={iface} OUT= SRC={ip} DST={ip} PROTO=TCP SPT={port} DPT=3389
Sw fail2ban.actions: NOTICE [sshd] Ban {ip}
Si fail2ban.filter: INFO [sshd] Found {ip} - {day} {clock}
Ni fail2ban.actions: NOTICE [sshd] Unban {ip}
Ni fail2ban.jail: INFO Jail 'sshd' started
Cw fail2ban.configreader: Unable to read the filter '{word}': {conf}
Te %ASA-1-105005: (Primary) Lost Failover communications with mate on interface {iface}
Pw %ASA-3-201013: Per-client connection limit exceeded {num}/{num} for input packet from {ip}/{port}
Pc pf: state table limit reached
Ce iptables-restore: line {num} failed: unknown option "{key}"
"""),
    program("ids", "plain json none", """
Ni suricata: all {small} packet processing threads, 4 management threads initialized, engine started.
Ni snort: Rule application order: pass->drop->sdrop->reject->alert->log
Ni wazuh-agentd: Connected to the server ({addr})
Ni ossec: syscheck scan finished, 0 changes
Ni clamd: SelfCheck: Database status OK.
Ni clamscan: {path}: OK
Ni freshclam: daily.cvd database is up-to-date (version: {num})
Sw [1:{num}:{small}] ET SCAN Potential SSH Scan [Classification: Attempted Information Leak] [Priority: 2] {TCP} {addr} -> {addr}
Sw [1:{num}:{small}] GPL ATTACK_RESPONSE id check returned root [Priority: 1] {TCP} {addr} -> {addr}
Sw ET MALWARE CobaltStrike beacon observed {TCP} {addr} -> {addr}
Sw clamscan: {path}: Win.Test.EICAR_HDB-1 FOUND
Sw ossec: Alert Level: 10; Rule: 5712 - SSHD brute force trying to get access to the system.
Sw Integrity checksum changed for: '{path}'
Sw File '{path}' rootkit signature matched: possible trojaned version
Si 16:{num} Warning Shell spawned by untrusted binary (user={user} shell=bash parent={svc} cmdline=bash -i container={hex})
Sw Sensitive file opened for reading by non-trusted program (user={user} command=cat /etc/shadow)
Ce suricata: [ERRCODE: SC_ERR_INVALID_SIGNATURE(39)] - error parsing signature at line {num} in {path}
Pw suricata: {num} packets dropped by kernel, ring buffer full
Te wazuh-agentd: ERROR: (1216): Unable to connect to '[{ip}]:1514/tcp': 'Connection refused'.
"""),
    program("ntpd", "syslog", """
Ni chronyd: Selected source {ip}
Ni chronyd: System clock TAI offset set to 37 seconds
Ni synchronized to {ip}, stratum {small}
Ni kernel time sync status change 2001
Ni ntpd: frequency error {num} PPM within tolerance, file loaded
Ni time reset +{small}.123456 s
Ni Listen normally on {small} {iface} {ip} UDP 123
Ti chronyd: Can't synchronise: no selectable sources
Tw chronyd: Source {ip} offline, no reply
Te host name not found: {fqdn}
Te sendto({ip}) (fd={small}): Network is unreachable
Ce line {num} column {small} syntax error, unexpected T_String in {conf}
Pw frequency error {num} PPM exceeds tolerance 500 PPM
"""),
    program("bgpd", "syslog plain", """
Ni %ADJCHANGE: neighbor {ip} in vrf default Up
Ni rcvd End-of-RIB for IPv4 Unicast from {ip} in vrf default
Ni zebra: interface {iface} index {small} changed
Ni OSPF: AdjChg: Nbr {ip} on {iface}: Loading -> Full (LoadingDone)
Ti %ADJCHANGE: neighbor {ip} in vrf default Down Interface down
Ti %NOTIFICATION: sent to neighbor {ip} 4/0 (Hold Timer Expired) 0 bytes
Tw {ip} [FSM] Timer (connect timer expire), can't connect
Ce line {num}: % Unknown command: {key} {word}
Fe Received signal 11 at {num} (si_addr 0x0, PC 0x{hex}); aborting...
Pw vty: slow thread warning: event_loop (aka {word}) ran for {num}00ms
Sw {ip} unauthorized BGP peer, MD5 digest mismatch
"""),
    program("radius", "plain syslog", """
Ni Auth: Login OK for {user} from nas {ip} port {small}
Ni Ready to process requests
Ni Access-Accept sent to {addr} for {user}
Ni krb: TGS_REQ etypes {18 17} {ip}: ISSUE: authtime {num}, {user}@{domain}
Ni slapd: conn={num} op={small} RESULT tag=97 err=0 text=
Ni slapd: conn={num} fd={small} closed
Si Access-Reject sent to {addr} for {user}
Si Auth: Invalid user: [{user}] from nas {ip}: password check failed
Si krb: AS_REQ {ip}: PREAUTH_FAILED: {user}@{domain} for krbtgt/{domain}, Preauthentication failed
Si krb: AS_REQ {ip}: CLIENT_NOT_FOUND: {user}@{domain}
Si slapd: conn={num} op=0 RESULT tag=97 err=49 text=
Si sssd: pam_sss: received for user {user}: 7 (Authentication failure)
Ti sssd: Backend is offline, LDAP server {fqdn} not reachable
Te slapd: daemon: bind({small}) failed errno=98 (Address already in use)
Ce slapd: {conf}: line {num}: unknown directive <{key}> outside backend info
Ce radius: {conf}[{num}]: Reference "${..{word}}" not found
Pw radius: Request queue full, {num} requests waiting, dropping packet from {addr}
Pw radius: Unresponsive child for request {num}, in component authenticate module sql
"""),
]
