"""Shapes of firmware, BMC, disks, storage arrays, power and accelerators."""

from corpus.grammar import program

PROGRAMS = [
    program("ipmi", "none plain syslog", """
Ni {small} | {day} | {clock} | Power Supply PS{small} Status | Presence detected | Asserted
Ni {small} | {day} | {clock} | System Boot Initiated | Initiated by power up | Asserted
Ni {small} | {day} | {clock} | Event Logging Disabled SEL | Log area reset/cleared | Asserted
Ni {small} | {day} | {clock} | Fan FAN{small} | Lower Critical going low | Deasserted
Ni {small} | {day} | {clock} | Power Supply PS{small} | Failure detected | Deasserted
Ni Sensor CPU{small} Temp reading {temp} degrees C status ok
Ni Fan{small} RPM {num} | ok
Ni BMC firmware updated to {version}, no errors
Ni Redundancy fully regained on power supplies
H- {small} | {day} | {clock} | Power Supply PS{small} | Failure detected | Asserted
H- {small} | {day} | {clock} | Memory DIMM_{hex} | Uncorrectable ECC | Asserted
H- {small} | {day} | {clock} | Memory #0x{hex} | Correctable ECC logging limit reached | Asserted
H- {small} | {day} | {clock} | Fan FAN{small} | Lower Non-recoverable going low | Asserted
H- {small} | {day} | {clock} | Temperature CPU{small} Temp | Upper Critical going high | Asserted
H- {small} | {day} | {clock} | Processor CPU{small} | IERR | Asserted
H- {small} | {day} | {clock} | Drive Slot {small} | Drive Fault | Asserted
H- {small} | {day} | {clock} | Critical Interrupt PCIe | Bus Fatal Error | Asserted
H- {small} | {day} | {clock} | Voltage VBAT | Lower Critical going low | Asserted
H- {small} | {day} | {clock} | Power Supply PS{small} | Power Supply AC lost | Asserted
Hw Power redundancy lost: PSU {small} input voltage out of range
Hw Chassis intrusion sensor and fan tray {small} missing
Hw The system inlet temperature is greater than the upper critical threshold ({hot} C).
He A fatal error was detected on a component at bus {small} device {small} function 0.
He CPU {small} has an internal error (IERR).
Si {small} | {day} | {clock} | Session Audit | Invalid password disable | Asserted
Sw BMC web login failed for {user} from {ip}
Fw {small} | {day} | {clock} | OS Critical Stop | Run-time critical stop | Asserted
Fw {small} | {day} | {clock} | Watchdog2 | Hard reset | Asserted
"""),
    program("smartd", "syslog", """
Ni Device: /dev/{dev} [SAT], opened
Ni Device: /dev/{dev} [SAT], is SMART capable. Adding to "monitor" list.
Ni Device: /dev/{dev} [SAT], previous self-test completed without error
Ni Device: /dev/{dev} [SAT], SMART Usage Attribute: 194 Temperature_Celsius changed from {temp} to {temp}
Ni Monitoring {small} ATA/SATA, 0 SCSI/SAS and {small} NVMe devices
Ni Device: /dev/{dev}, SMART Prefailure Attribute: 1 Raw_Read_Error_Rate changed from {num} to {num}
Ni Device: /dev/{dev}, state written to {path}
Hc Device: /dev/{dev} [SAT], {small} Currently unreadable (pending) sectors
Hc Device: /dev/{dev} [SAT], {small} Offline uncorrectable sectors
Hc Device: /dev/{dev} [SAT], FAILED SMART self-check. BACK UP DATA NOW!
Hc Device: /dev/{dev} [SAT], Self-Test Log error count increased from 0 to {small}
Hw Device: /dev/{dev} [SAT], ATA error count increased from {small} to {num}
Hw Device: /dev/{dev}, Critical Warning (0x04): Reliability
Hc Device: /dev/{dev} [SAT], Temperature {hot} Celsius reached critical limit of 70 Celsius
Hw Device: /dev/{dev}, SMART Failure: FAILURE PREDICTION THRESHOLD EXCEEDED
Hc Device: /dev/{dev}, not capable of SMART self-check, removed or dead
Cw Configuration file {conf} line {num} (file): unknown Directive: {key}
"""),
    program("mdadm", "syslog", """
Ni NewArray event detected on md device /dev/{dev}
Ni RebuildStarted event detected on md device /dev/{dev}
Ni RebuildFinished event detected on md device /dev/{dev}, component device mismatches found: 0
Ni SpareActive event detected on md device /dev/{dev}
He Fail event detected on md device /dev/{dev}, component device /dev/{dev}
He DegradedArray event detected on md device /dev/{dev}
He FailSpare event detected on md device /dev/{dev}
Hw DeviceDisappeared event detected on md device /dev/{dev}
Ce {conf}: unknown keyword {key}, ignored
"""),
    program("storage-array", "plain syslog none", """
Ni MegaRAID: PD {small} state changed from Rebuild to Online
Ni controller {small}: patrol read complete, no errors
Ni NetApp: aggr{small}: scrub finished, 0 parity errors
Ni raid.disk.online: Disk {small}.{small} is online
Ni volume {word} snapshot created
Ni zpool {word}: scrub repaired 0B in {clock} with 0 errors
Ni battery relearn cycle completed on controller {small}
He MegaRAID: VD {small} is now DEGRADED
He PD {small}(e0x20/s{small}) Unexpected sense: 3/11/00
He controller {small}: cache battery has failed, write-back disabled
He raid.disk.failed: Disk {small}.{small} S/N {token} failed, reconstruction started
Hw disk shelf {small} module B power supply degraded
Hw Predictive failure: PD {small}(e0x20/s{small})
He zed: eid={num} class=io pool='{word}' vdev={dev} size={num} error=5
He zed: eid={num} class=checksum pool='{word}' vdev={dev}
He zpool {word} state: DEGRADED, one or more devices could not be used
Hw SAS expander {small} PHY {small} invalid dword count exceeded
Tw iSCSI target portal {addr} path lost, failing over
Te fc0: loop initialization failed, port {small} offline, no light
Pw volume {word} is {hpct} full, thin provisioning pool almost exhausted
Pw latency of LUN {small} above {num} ms for 5 minutes
Fe NetApp: panic: double fault in process {word}, node taken over
Ce invalid zoning: alias {word} refers to unknown WWN
Sw management login failure for {user} from {ip}
"""),
    program("nut", "syslog", """
Ni UPS {word}@localhost on line power
Ni Communications with UPS {word}@localhost established
Ni Startup successful
Ni User {user}@{ip} logged into UPS [{word}]
Hw UPS {word}@localhost on battery
Hc UPS {word}@localhost battery is low
Hw UPS {word}@localhost battery needs to be replaced
Hw UPS {word}@localhost overload: load {num}%
Hc Executing automatic power-fail shutdown
Tw Communications with UPS {word}@localhost lost
Te UPS [{word}]: connect failed: Connection failure: Connection refused
Tw Data for UPS [{word}] is stale - check driver
Ce Can't open {conf}: No such file or directory
Ce Fatal error: at least one MONITOR line must be defined in {conf}
Si User {user}@{ip} denied, access to UPS rejected
"""),
    program("apcupsd", "syslog plain", """
Ni apcupsd {version} startup succeeded
Ni Power is back. UPS running on mains.
Ni Battery reattached.
Ni UPS Self Test completed: Passed
Hw Power failure.
Hw Running on UPS batteries.
Hc Battery power exhausted.
Hc UPS battery must be replaced.
He UPS Self Test completed: Failed
Tw Communications with UPS lost.
Ce {conf}: Error on line {num}: unknown directive {key}
"""),
    program("gpu", "none plain", """
Ni nvidia: loading NVIDIA UNIX x86_64 Kernel Module {version}
Ni nvidia-persistenced: Persistence mode enabled for {pci}
Ni dcgm: health watch: all systems healthy
Ni GPU {small}: {temp} C, 0 uncorrectable errors, util {pct}
Ni NCCL INFO Bootstrap : Using {iface}:{ip}<0>
Ni rocm-smi: GPU[{small}] ECC: 0 errors
He nvidia-smi: Unable to determine the device handle for GPU {pci}: GPU is lost. Reboot the system to recover this GPU
He dcgm: GPU {small} volatile DBE detected, {small} double bit errors
He NVRM: GPU at PCI:{pci} has fallen off the bus.
He GPU {small} ECC page retirement limit reached
Hw GPU {small} slowdown: HW thermal slowdown active at {hot} C
He nvlink: link {small} on GPU {small} is inactive after CRC error threshold
Pe CUDA out of memory. Tried to allocate {size} (GPU {small}; {size} total capacity)
Pe torch.OutOfMemoryError: CUDA out of memory. Tried to allocate {size}
Pw Watchdog caught collective operation timeout: WorkNCCL(SeqNum={num}) ran for {big} milliseconds before timing out.
Te NCCL WARN Net: connect to {addr} failed : Connection refused
Fe CUDA error: an illegal memory access was encountered
Fe RuntimeError: CUDA error: device-side assert triggered
Ce CUDA driver version is insufficient for CUDA runtime version
Ce Failed to initialize NVML: Driver/library version mismatch
"""),
    program("thermald", "syslog plain none", """
Ni {small} CPUID levels; family:model:stepping 0x6:8e:a
Ni zone temperature {temp} within trip points
Ni irqbalance: IRQ {small} affinity is now unmanaged
Ni mcelog: Running trigger `cache-error-trigger' disabled
Ni rasdaemon: ras:mc_event event enabled
Ni sensors: coretemp-isa-0000 Core {small}: +{temp}.0 C (high = +80.0 C, crit = +100.0 C)
Ni fwupd: 0 local devices supported, no upgrades
Ni acpid: {small} rules loaded
Hc mcelog: Hardware event. This is not a software error.
He mcelog: MCE {small} CPU {small} BANK {small} TSC {hex} corrected error threshold exceeded
He rasdaemon: mc_event: {small} Uncorrected error: memory read on DIMM_{small} (location: 0 channel 1)
Hw rasdaemon: aer_event: {pci} Corrected error: Receiver Error
Hc critical temperature trip reached ({hot} C), powering off
Hw fan1 speed 0 RPM, below minimum 600 RPM
Pw CPU throttled to 800 MHz by power limit for {small} minutes
Ce sensors: {conf}: line {num}: parse error, unknown statement {key}
"""),
]
