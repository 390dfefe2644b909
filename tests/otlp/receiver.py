"""A receiver of OTLP traces over gRPC: prints the address, then each span as one JSON object a line."""

import concurrent.futures
import json
import sys

import grpc

sys.path.insert(0, sys.argv[1])
import spans_pb2
import spans_pb2_grpc


class Receiver(spans_pb2_grpc.TraceServiceServicer):
    def Export(self, request, context):
        for resource in request.resource_spans:
            for scope in resource.scope_spans:
                for span in scope.spans:
                    shown = {
                        "trace": span.trace_id.hex(),
                        "span": span.span_id.hex(),
                        "parent": span.parent_span_id.hex(),
                        "name": span.name,
                    }
                    print(json.dumps(shown), flush=True)
        return spans_pb2.ExportTraceServiceResponse()


server = grpc.server(concurrent.futures.ThreadPoolExecutor(2))
spans_pb2_grpc.add_TraceServiceServicer_to_server(Receiver(), server)
port = server.add_insecure_port("127.0.0.1:0")
server.start()
print(f"listening on 127.0.0.1:{port}", flush=True)
server.wait_for_termination()
