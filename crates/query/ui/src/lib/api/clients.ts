// The clients of the public API: gRPC-web on the server that the page came from, with the session's token and tenant.
import { Code, ConnectError, createClient, type Interceptor, type Transport } from '@connectrpc/connect';
import { createGrpcWebTransport } from '@connectrpc/connect-web';
import { DetectionService } from '$gen/turnstone/v1/detection_pb';
import { EntryService } from '$gen/turnstone/v1/entry_pb';
import { ExplanationService } from '$gen/turnstone/v1/explanation_pb';
import { StatsService } from '$gen/turnstone/v1/stats_pb';
import { connection } from './connection.svelte';
import { Unreachable, isAbort, problemOf } from './problem';
import { session } from './session.svelte';

/** Names the tenant of a call; a call that names its own is left alone. */
export const TENANT_HEADER = 'x-turnstone-tenant';

/** Whether a header can carry it: a browser takes no others, and no token or tenant has them. */
export const isSendable = (text: string): boolean => /^[\x20-\x7e]*$/.test(text);

const identified: Interceptor = (next) => async (request) => {
  if (!isSendable(session.tenant)) throw new ConnectError('there is no such tenant', Code.InvalidArgument);
  const { token } = session;
  if (token !== '') request.header.set('authorization', `Bearer ${token}`);
  if (session.tenant !== '' && !request.header.has(TENANT_HEADER)) request.header.set(TENANT_HEADER, session.tenant);
  try {
    return await next(request);
  } catch (error) {
    noteFailure(error, token);
    throw error;
  }
};

/** Tells session and connection what an error means for them. Also called for streams that break off. */
export function noteFailure(error: unknown, token?: string): void {
  if (isAbort(error)) return;
  const problem = problemOf(error);
  if (problem.offline) connection.lost();
  else if (problem.code === Code.DeadlineExceeded) void connection.doubt();
  else if (problem.code === Code.Unauthenticated) session.refuse(problem.reason, token);
}

/** Answers that come from something in front of the server that cannot reach it. */
const GATEWAY_FAILURES = new Set([502, 503, 504]);

async function tracedFetch(input: RequestInfo | URL, init?: RequestInit): Promise<Response> {
  let response: Response;
  try {
    response = await fetch(input, init);
  } catch (error) {
    if (init?.signal?.aborted) throw error;
    throw new Unreachable(error);
  }
  const isGrpc = response.headers.get('content-type')?.startsWith('application/grpc') ?? false;
  if (!isGrpc && GATEWAY_FAILURES.has(response.status)) throw new Unreachable(new Error(`status ${response.status}`));
  connection.reached();
  if (!isGrpc && response.status === 401) throw new ConnectError('sign in with the API token', Code.Unauthenticated);
  return response;
}

/** The server gives up after 30 s and says so; whatever takes longer than this is lost on the way. */
export const CALL_TIME_MAX_MS = 40_000;

const grpcWeb = createGrpcWebTransport({
  baseUrl: typeof location === 'undefined' ? 'http://localhost' : location.origin,
  interceptors: [identified],
  fetch: tracedFetch,
});

const transport: Transport = {
  // The transport's own default would cut streams too, which stand for as long as somebody looks and notice silence themselves.
  unary: (method, signal, timeoutMs = CALL_TIME_MAX_MS, ...rest) => grpcWeb.unary(method, signal, timeoutMs, ...rest),
  stream: grpcWeb.stream,
};

export const detections = createClient(DetectionService, transport);
export const entries = createClient(EntryService, transport);
export const explanationsClient = createClient(ExplanationService, transport);
export const stats = createClient(StatsService, transport);
