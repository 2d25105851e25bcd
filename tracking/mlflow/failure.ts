import { messageOf, TrackingRefused, TrackingUnavailable } from '../../contract/failures.ts';
import { RETRAIN } from '../../contract/command.ts';

/** An answer that is not a success, read to its end. */
export interface Answer {
  status: number;
  /** The `server` header, which names the program when it is not MLflow. */
  server: string | null;
  location: string | null;
  body: string;
}

/** The error for a missing or incomplete answer. It quotes nothing that was sent. */
export function noAnswer(uri: string, error: unknown): TrackingUnavailable {
  return new TrackingUnavailable(
    `the MLflow server at ${uri} does not answer (${reasonOf(error)}): wait if it is starting; start the local one with "${RETRAIN} stack up"; check it with "curl ${uri}/health"; or set mlflow.tracking_uri to ./mlruns to log without a server`,
    { cause: error },
  );
}

/** The error for a success that is not from MLflow: a page of a proxy, or another program on the port. */
export function notMlflow(uri: string, request: string, cause?: unknown): TrackingRefused {
  return new TrackingRefused(
    `${uri} answered ${request} with something that MLflow does not send: check mlflow.tracking_uri, and that the server is MLflow 3 or newer`,
    { cause },
  );
}

/** Turns an answer other than success into an error that says how to fix it. */
export function failure(
  uri: string,
  request: string,
  answer: Answer,
): TrackingRefused | TrackingUnavailable {
  const { status } = answer;
  const { code, message } = parseError(answer.body);
  const details = { status, ...(code === undefined ? {} : { code }) };
  const said = [status, code, message].filter((part) => part !== undefined).join(' ');
  const server = `the MLflow server at ${uri}`;
  const refused = (text: string) => new TrackingRefused(text, { details });
  const unavailable = (text: string) => new TrackingUnavailable(text, { details });

  if (status >= 300 && status < 400)
    return refused(
      `${uri} redirects ${request} to ${locationOf(answer)}: set mlflow.tracking_uri to that address`,
    );
  if (status === 401)
    return refused(
      `${server} asks for a login (401): set MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD, or MLFLOW_TRACKING_TOKEN`,
    );
  if (status === 403 && answer.body.includes('Invalid Host header'))
    return refused(
      `${server} refuses the host name in its URL (403), although /health accepts it: start it with --allowed-hosts "${new URL(uri).host}"`,
    );
  // macOS itself listens on port 5000. This is the most common wrong server.
  if (answer.server?.startsWith('AirTunes') === true)
    return refused(
      `${uri} is macOS's AirPlay Receiver, not MLflow: switch that off in the system settings, or give MLflow another port`,
    );
  if (status === 403)
    return refused(
      `${server} does not allow ${request} (${said}): check the permissions of the user`,
    );
  if (status === 503 && answer.body.includes('--serve-artifacts'))
    return refused(`${server} stores no files for its clients: start it with --serve-artifacts`);
  if (status === 429 || status === 408)
    return unavailable(
      `${server} is too busy for ${request} (${said}): wait, or send it fewer requests`,
    );
  if (status >= 500)
    return unavailable(
      `${server} failed at ${request} (${said}): read its log, or run "curl ${uri}/health"`,
    );
  // Two writers changed one row, and the database refused one of them. MLflow reports that as a bad request.
  if (code === 'BAD_REQUEST' && /IntegrityError|UniqueViolation|Duplicate entry/.test(answer.body))
    return unavailable(
      `${server} refused ${request} because another client wrote the same row: try again`,
    );
  if (code === undefined && status === 404) return notMlflow(uri, request);
  return refused(`${server} refused ${request} (${said})`);
}

/** Returns the code in a refusal of MLflow, such as RESOURCE_ALREADY_EXISTS. */
export function codeOf(error: unknown): unknown {
  return error instanceof TrackingRefused ? error.details['code'] : undefined;
}

/** Reads MLflow's error body, `{"error_code", "message"}`. Any other body is not quoted. */
function parseError(body: string): { code: string | undefined; message: string | undefined } {
  try {
    const { error_code: code, message } = JSON.parse(body) as Record<string, unknown>;
    return {
      code: typeof code === 'string' ? code : undefined,
      message: typeof message === 'string' ? firstLine(message) : undefined,
    };
  } catch {
    return { code: undefined, message: undefined };
  }
}

function firstLine(text: string): string {
  const line = text.trim().split('\n', 1)[0] ?? '';
  return line.length > 300 ? `${line.slice(0, 299)}…` : line;
}

/** Returns a redirect's target without its query and credentials, which may hold tokens of a sign-in page. */
function locationOf(answer: Answer): string {
  try {
    const url = new URL(answer.location ?? '');
    return `${url.origin}${url.pathname}`;
  } catch {
    return 'another address';
  }
}

/** Returns the reason of a failed request. It is in the cause of `fetch failed`, whose message may be empty. */
function reasonOf(error: unknown): string {
  if (error instanceof Error && error.name === 'TimeoutError') return 'timed out';
  const cause = error instanceof Error ? (error.cause ?? error) : error;
  const code = (cause as { code?: unknown } | null)?.code;
  return typeof code === 'string' ? code : messageOf(cause);
}
