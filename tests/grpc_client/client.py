"""A gRPC client as a user of Turnstone would write it, with stubs generated from proto/ by grpcio-tools.

Run by the end-to-end tests against a running query service; asserts, and prints what it checked.
"""

import argparse
import sys
import uuid

import grpc

PAGE_SIZE = 7
DEADLINE_SECONDS = 120


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--stubs", required=True, help="folder of the generated modules")
    parser.add_argument("--address", required=True, help="host:port of the query service")
    parser.add_argument("--token", required=True, help="the API token of the service")
    parser.add_argument("--tenant", required=True, help="a tenant with detections of its own")
    parser.add_argument("--log", required=True, help="a gleaned file of the shared tenant, to append to")
    arguments = parser.parse_args()
    sys.path.insert(0, arguments.stubs)
    with grpc.insecure_channel(arguments.address) as channel:
        checks = Checks(channel, arguments)
        for name in [name for name in dir(Checks) if name.startswith("check_")]:
            getattr(checks, name)()
            print(name, flush=True)


class Checks:
    """Each `check_…` is one aspect of the API; they run in the order of their names and leave nothing acknowledged."""

    def __init__(self, channel: grpc.Channel, arguments: argparse.Namespace) -> None:
        from turnstone.v1 import detection_pb2, detection_pb2_grpc, entry_pb2, entry_pb2_grpc, stats_pb2, stats_pb2_grpc

        self.pb, self.entry_pb, self.stats_pb = detection_pb2, entry_pb2, stats_pb2
        self.channel, self.arguments = channel, arguments
        self.detections = detection_pb2_grpc.DetectionServiceStub(channel)
        self.entries = entry_pb2_grpc.EntryServiceStub(channel)
        self.stats = stats_pb2_grpc.StatsServiceStub(channel)

    def call(self, method, request, tenant: str = "", token: str | None = None):
        metadata = [("authorization", f"Bearer {self.arguments.token if token is None else token}")]
        if tenant:
            metadata.append(("x-turnstone-tenant", tenant))
        return method(request, metadata=metadata, timeout=DEADLINE_SECONDS)

    def pages(self, tenant: str = "", page_size: int = 1000, **wanted) -> list[list]:
        found, page_token = [], ""
        while True:
            request = self.pb.ListDetectionsRequest(
                page_size=page_size, page_token=page_token, filter=self.pb.DetectionFilter(**wanted)
            )
            answer = self.call(self.detections.ListDetections, request, tenant)
            found.append(list(answer.detections))
            page_token = answer.next_page_token
            if not page_token:
                return found

    def list(self, tenant: str = "", **wanted) -> list:
        return [detection for page in self.pages(tenant, **wanted) for detection in page]

    def refused(self, code: grpc.StatusCode, method, request, **how) -> grpc.RpcError:
        try:
            self.call(method, request, **how)
        except grpc.RpcError as error:
            assert error.code() == code, f"{error.code()} is not {code}: {error.details()}"
            return error
        raise AssertionError(f"{request} was not refused with {code}")

    def check_a_access(self) -> None:
        request = self.pb.ListDetectionsRequest()
        for token in ["", "0123456789abcdef0123456789abcdef", self.arguments.token[:-1], self.arguments.token + "0"]:
            error = self.refused(grpc.StatusCode.UNAUTHENTICATED, self.detections.ListDetections, request, token=token)
            assert self.arguments.token not in error.details()
        try:
            self.detections.ListDetections(request, timeout=DEADLINE_SECONDS)
            raise AssertionError("served without a token")
        except grpc.RpcError as error:
            assert error.code() == grpc.StatusCode.UNAUTHENTICATED

    def check_b_health_and_reflection(self) -> None:
        import health_pb2
        import health_pb2_grpc
        import reflection_pb2
        import reflection_pb2_grpc

        health = health_pb2_grpc.HealthStub(self.channel)
        for service in ["", "turnstone.v1.DetectionService"]:
            answer = self.call(health.Check, health_pb2.HealthCheckRequest(service=service))
            assert answer.status == health_pb2.HealthCheckResponse.SERVING, (service, answer)
        reflection = reflection_pb2_grpc.ServerReflectionStub(self.channel)
        request = reflection_pb2.ServerReflectionRequest(list_services="*")
        answers = list(self.call(reflection.ServerReflectionInfo, iter([request])))
        names = {service.name for service in answers[0].list_services_response.service}
        wanted = {f"turnstone.v1.{name}Service" for name in ["Detection", "Entry", "Explanation", "Stats"]}
        assert wanted <= names, names

    def check_c_pages(self) -> None:
        everything = self.list()
        assert len(everything) > 3 * PAGE_SIZE, len(everything)
        order = [(d.detected_at.ToNanoseconds(), d.id) for d in everything]
        assert order == sorted(order, reverse=True), "not newest first"
        pages = self.pages(page_size=PAGE_SIZE)
        assert all(len(page) == PAGE_SIZE for page in pages[:-1]) and 0 < len(pages[-1]) <= PAGE_SIZE
        ids = [detection.id for page in pages for detection in page]
        assert len(set(ids)) == len(ids), "a row on two pages"
        assert ids == [detection.id for detection in everything], "a row on no page"

    def check_d_filters(self) -> None:
        everything = self.list()
        labels = {d.anomaly_label for d in everything}
        assert len(labels) > 1, f"one label only, so filters are not tested: {labels}"
        newest, middle = everything[0], everything[len(everything) // 2]
        cases = [({"anomaly_label": label.swapcase()}, lambda d, label=label: d.anomaly_label == label) for label in labels]
        cases += [({"severity": s}, lambda d, s=s: d.severity == s) for s in {d.severity for d in everything}]
        cases += [({"source_id": s}, lambda d, s=s: d.source_id == s) for s in {d.source_id for d in everything}]
        cases += [
            ({"scorer": newest.scorer.upper()}, lambda d: d.scorer == newest.scorer),
            ({"scorer": "somebody-else"}, lambda d: False),
            ({"unacknowledged": True}, lambda d: True),
            ({"unacknowledged": False}, lambda d: False),
            ({"detected_from": middle.detected_at}, lambda d: nanos(d) >= nanos(middle)),
            ({"detected_until": middle.detected_at}, lambda d: nanos(d) < nanos(middle)),
            ({"anomaly_score_min": middle.anomaly_score}, lambda d: d.anomaly_score >= middle.anomaly_score),
            ({"anomaly_label": "' OR 1=1 --"}, lambda d: False),
            (
                {"anomaly_label": middle.anomaly_label, "source_id": middle.source_id, "severity": middle.severity},
                lambda d: (d.anomaly_label, d.source_id, d.severity)
                == (middle.anomaly_label, middle.source_id, middle.severity),
            ),
        ]
        for wanted, matches in cases:
            found = [d.id for d in self.list(**wanted)]
            expected = [d.id for d in everything if matches(d)]
            assert found == expected, f"{wanted}: {len(found)} found, {len(expected)} expected"

    def check_e_tenants(self) -> None:
        tenant = self.arguments.tenant
        own = self.list(tenant)
        assert {d.tenant_id for d in own} == {"", tenant}, "a tenant sees its own and the shared"
        assert {d.tenant_id for d in self.list()} == {""}, "the shared tenant sees only its own"
        assert {d.tenant_id for d in self.list("somebody-else")} == {""}, "a stranger sees only the shared"
        secret = next(d for d in own if d.tenant_id == tenant)
        request = self.pb.GetDetectionRequest(id=secret.id)
        assert self.call(self.detections.GetDetection, request, tenant) == secret
        for stranger in ["", "somebody-else"]:
            self.refused(grpc.StatusCode.NOT_FOUND, self.detections.GetDetection, request, tenant=stranger)
            entry = self.entry_pb.GetEntryRequest(id=secret.entry_id)
            self.refused(grpc.StatusCode.NOT_FOUND, self.entries.GetEntry, entry, tenant=stranger)
            search = self.entry_pb.SearchEntriesRequest(query="secretword", page_size=1000)
            assert not self.call(self.entries.SearchEntries, search, stranger).entries
            assert self.acknowledge(stranger, ids=self.pb.DetectionIds(ids=[secret.id])) == 0
        search = self.entry_pb.SearchEntriesRequest(query="secretword", page_size=1000)
        assert self.call(self.entries.SearchEntries, search, tenant).entries
        assert not self.call(self.detections.GetDetection, request, tenant).acknowledged

    def acknowledge(self, tenant: str = "", **how) -> int:
        request = self.pb.AcknowledgeDetectionsRequest(**how)
        return self.call(self.detections.AcknowledgeDetections, request, tenant).acknowledged_count

    def check_f_acknowledge(self) -> None:
        everything = self.list()
        first, second = everything[0], everything[1]
        ids = self.pb.DetectionIds(ids=[first.id, second.id, str(uuid.uuid4())])
        assert self.acknowledge(ids=ids, notes="known ✓") == 2
        by_id = {d.id: d for d in self.list()}
        for seen in [first, second]:
            now = by_id[seen.id]
            assert now.acknowledged and now.notes == "known ✓" and now.acknowledged_at.seconds > 0, now
        assert {d.id for d in self.list(unacknowledged=False)} == {first.id, second.id}
        assert len(self.list(unacknowledged=True)) == len(everything) - 2

        label = next(d.anomaly_label for d in everything if d.anomaly_label != first.anomaly_label)
        assert self.acknowledge(filter=self.pb.DetectionFilter(anomaly_label=label)) > 0
        acknowledged = {d.id for d in self.list(unacknowledged=False)}
        assert {d.id for d in everything if d.anomaly_label == label} <= acknowledged
        assert acknowledged <= {d.id for d in everything if d.anomaly_label == label} | {first.id, second.id}

        nobody_meant_it = self.pb.AcknowledgeDetectionsRequest(filter=self.pb.DetectionFilter())
        self.refused(grpc.StatusCode.INVALID_ARGUMENT, self.detections.AcknowledgeDetections, nobody_meant_it)
        assert {d.id for d in self.list(unacknowledged=False)} == acknowledged

        opening = self.pb.UnacknowledgeDetectionsRequest(ids=self.pb.DetectionIds(ids=[first.id]))
        answer = self.call(self.detections.UnacknowledgeDetections, opening)
        assert answer.unacknowledged_count == 1
        opening = self.pb.UnacknowledgeDetectionsRequest(filter=self.pb.DetectionFilter(), all=True)
        answer = self.call(self.detections.UnacknowledgeDetections, opening)
        assert answer.unacknowledged_count == len(acknowledged - {first.id})
        assert not self.list(unacknowledged=False)

    def check_g_refusals_name_the_field(self) -> None:
        import status_pb2

        pb = self.pb
        good = self.call(self.detections.ListDetections, pb.ListDetectionsRequest(page_size=1)).next_page_token
        other_filter = pb.ListDetectionsRequest(page_token=good, filter=pb.DetectionFilter(scorer="other"))
        cases = [
            ("page_token", pb.ListDetectionsRequest(page_token="garbage")),
            ("page_token", pb.ListDetectionsRequest(page_token=good[:-2] + "AA")),
            ("page_token", other_filter),
            ("page_size", pb.ListDetectionsRequest(page_size=-1)),
            ("filter.severity", pb.ListDetectionsRequest(filter=pb.DetectionFilter(severity=99))),
            ("filter.anomaly_score_min", pb.ListDetectionsRequest(filter=pb.DetectionFilter(anomaly_score_min=1.5))),
        ]
        for field, request in cases:
            error = self.refused(grpc.StatusCode.INVALID_ARGUMENT, self.detections.ListDetections, request)
            assert field in error.details(), (field, error.details())
            trailers = {item.key: item.value for item in error.trailing_metadata()}
            status = status_pb2.Status.FromString(trailers["grpc-status-details-bin"])
            bad_request = status_pb2.BadRequest()
            assert status.details[0].Unpack(bad_request), status
            assert [violation.field for violation in bad_request.field_violations] == [field], bad_request

    def check_h_entries_and_stats(self) -> None:
        detection = self.list()[0]
        entry = self.call(self.entries.GetEntry, self.entry_pb.GetEntryRequest(id=detection.entry_id))
        assert (entry.text, entry.anomaly_label) == (detection.text, detection.anomaly_label)
        assert entry.anomaly_score == detection.anomaly_score
        context = self.entry_pb.ListEntryContextRequest(entry_id=entry.id, window_seconds=86_400)
        around = self.call(self.entries.ListEntryContext, context).entries
        assert entry.id in [e.id for e in around] and {e.source_id for e in around} == {entry.source_id}
        stats = self.call(self.stats.GetStatsSummary, self.stats_pb.GetStatsSummaryRequest())
        assert stats.unscored_entry_count == 0 and stats.quarantined_entry_count == 0, stats
        assert sum(label.open_count for label in stats.labels) == len(self.list())

    def check_z_watch(self) -> None:
        known = {d.id for d in self.list()}
        watching = self.call(self.detections.WatchDetections, self.pb.WatchDetectionsRequest())
        assert next(watching).WhichOneof("event") == "heartbeat", "a watch begins with a sign of life"
        text = f"kernel: nvme0: I/O error, dev nvme0n1, sector {uuid.uuid4().int % 1_000_000}"
        with open(self.arguments.log, "a", encoding="utf-8") as log:
            log.write(text + "\n")
        for answer in watching:
            if answer.WhichOneof("event") == "detection":
                break
        detection = answer.detection
        assert detection.text == text, f"not what was appended: {detection}"
        assert detection.id not in known, "a detection from before the watch"
        watching.cancel()
        assert {d.id for d in self.list()} - known == {detection.id}


def nanos(detection) -> int:
    return detection.detected_at.ToNanoseconds()


if __name__ == "__main__":
    main()
