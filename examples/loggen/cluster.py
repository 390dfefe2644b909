"""The kubelet of node3 in klog's format: cron pods come and go, orders crashes, comes back, and stays."""

from __future__ import annotations

from .orders import RESTARTS
from .story import DATABASE_DOWN, POOL_EXHAUSTED, SWITCHED, Log, seconds

ORDERS = "shop/orders-7c9d5b6f4-x2lqp"


def kubelet(seed: int) -> Log:
    """The kubelet's log; klog lines carry month and day but no year."""
    log = Log("node3-kubelet.log", seed)
    rng = log.rng

    def write(when, level, place, text, label="NORMAL"):
        log.add(when, f"{level}{when.strftime('%m%d %H:%M:%S.%f')}    1834 {place}] {text}", label)

    for when in log.every(600, 2):
        pod, ident = f"batch/price-sync-{int(when.timestamp()) // 60}-{log.hex(5)}", log.hex(32)
        name = pod.split("/")[1]
        write(when, "I", "kubelet.go:2421", f'"SyncLoop ADD" source="api" pods=["{pod}"]')
        write(
            when + seconds(0.1),
            "I",
            "reconciler_common.go:258",
            '"operationExecutor.VerifyControllerAttachedVolume started for volume '
            f'\\"kube-api-access-{log.hex(5)}\\" (UniqueName: \\"kubernetes.io/projected/{ident[:8]}\\") pod \\"{name}\\" " pod="{pod}"',
        )
        write(
            when + seconds(0.4),
            "I",
            "util.go:30",
            f'"No sandbox for pod can be found. Need to start a new one" pod="{pod}"',
        )
        write(
            when + seconds(1.9),
            "I",
            "kubelet.go:2453",
            f'"SyncLoop (PLEG): event for pod" pod="{pod}" event={{"ID":"{ident[:8]}","Type":"ContainerStarted","Data":"{ident}"}}',
        )
        write(
            when + seconds(2.8),
            "I",
            "pod_startup_latency_tracker.go:104",
            f'"Observed pod startup duration" pod="{pod}" podStartSLOduration={rng.uniform(1.4, 3):.9f}',
        )
        write(
            when + seconds(38),
            "I",
            "kubelet.go:2453",
            f'"SyncLoop (PLEG): event for pod" pod="{pod}" event={{"ID":"{ident[:8]}","Type":"ContainerDied","Data":"{ident}"}}',
        )
        write(
            when + seconds(39),
            "I",
            "pod_container_deletor.go:80",
            f'"Container not found in pod\'s containers" containerID="{ident}"',
        )
        write(when + seconds(300), "I", "kubelet.go:2437", f'"SyncLoop REMOVE" source="api" pods=["{pod}"]')
    for when in log.every(300, 5):
        write(
            when,
            "I",
            "kubelet_getters.go:187",
            '"Pod status updated" pod="kube-system/kube-proxy-9x7kd" status="Running"',
        )
    for when in log.every(1500, 400):
        write(when, "I", "scope.go:117", f'"RemoveContainer" containerID="{log.hex(32)}"')

    def probe(when, kind, output, label):
        write(
            when,
            "I",
            "prober.go:107",
            f'"Probe failed" probeType="{kind}" pod="{ORDERS}" podUID="5b1f6a3e" containerName="orders" '
            f'probeResult="failure" output="{output}"',
            label,
        )

    for when in log.every(60, 5, POOL_EXHAUSTED + seconds(40), RESTARTS[0] - seconds(30)):
        probe(
            when,
            "Readiness",
            'Get \\"http://10.20.3.11:8080/actuator/health/readiness\\": context deadline exceeded (Client.Timeout exceeded while awaiting headers)',
            "PERFORMANCE_ISSUE",
        )
    for crash in RESTARTS[:2]:
        write(
            crash - seconds(5),
            "I",
            "kubelet.go:2453",
            f'"SyncLoop (PLEG): event for pod" pod="{ORDERS}" event={{"ID":"5b1f6a3e","Type":"ContainerDied","Data":"{log.hex(32)}"}}',
        )
        write(
            crash - seconds(4.8),
            "W",
            "kuberuntime_container.go:741",
            f'"Container was OOM killed" pod="{ORDERS}" containerName="orders" exitCode=137',
            "PERFORMANCE_ISSUE",
        )
    for index, crash in enumerate(RESTARTS[2:]):
        when = crash + seconds(14)
        write(
            when,
            "I",
            "kubelet.go:2453",
            f'"SyncLoop (PLEG): event for pod" pod="{ORDERS}" event={{"ID":"5b1f6a3e","Type":"ContainerDied","Data":"{log.hex(32)}"}}',
        )
        wait = ["40s", "1m20s", "2m40s"][index]
        for again in range(3):
            write(
                when + seconds(1 + 14 * again),
                "E",
                "pod_workers.go:1301",
                '"Error syncing pod, skipping" err="failed to \\"StartContainer\\" for \\"orders\\" with '
                f'CrashLoopBackOff: \\"back-off {wait} restarting failed container=orders pod=orders-7c9d5b6f4-x2lqp_shop(5b1f6a3e)\\"" pod="{ORDERS}" podUID="5b1f6a3e"',
                "SYSTEM_FAILURE",
            )
    for when in log.every(70, 5, DATABASE_DOWN + seconds(30), SWITCHED):
        probe(when, "Readiness", "dial tcp 10.20.3.11:8080: connect: connection refused", "NETWORK_ANOMALY")
    write(
        SWITCHED + seconds(8),
        "I",
        "kubelet.go:2453",
        f'"SyncLoop (PLEG): event for pod" pod="{ORDERS}" event={{"ID":"5b1f6a3e","Type":"ContainerStarted","Data":"{log.hex(32)}"}}',
    )
    write(
        SWITCHED + seconds(24),
        "I",
        "kubelet.go:2533",
        f'"SyncLoop (probe)" probe="readiness" status="ready" pod="{ORDERS}"',
    )
    return log
