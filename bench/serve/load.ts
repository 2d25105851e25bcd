/** Sends one body again and again from its own process, and prints how it was answered as JSON. */
import autocannon, { type Result } from 'autocannon';

export interface LoadJob {
  url: string;
  body: string;
  connections: number;
  seconds: number;
}

export interface Answered {
  perSecond: number;
  /** Requests. */
  answered: number;
  /** Milliseconds. */
  p50: number;
  p99: number;
  /** Requests without an answer, or with another status than 2xx. */
  failed: number;
}

/** Seconds in which the JavaScript engine and the connections get ready, and which are not counted. */
const WARM_UP = 1;

const { url, body, connections, seconds } = JSON.parse(process.argv[2]!) as LoadJob;
const request = {
  url: `${url}/invocations`,
  method: 'POST' as const,
  headers: { 'content-type': 'application/json' },
  body,
  connections,
};
await autocannon({ ...request, duration: WARM_UP });
// autocannon's own latencies are whole milliseconds, and many answers take less than one.
const latencies: number[] = [];
const { requests, errors, non2xx } = await new Promise<Result>((resolve, reject) => {
  const running = autocannon({ ...request, duration: seconds }, (error: Error | null, result) =>
    error === null ? resolve(result) : reject(error),
  );
  running.on('response', (_client, _status, _bytes, milliseconds) => latencies.push(milliseconds));
});
latencies.sort((a, b) => a - b);
const quantile = (share: number): number => latencies[Math.floor(share * (latencies.length - 1))]!;
const answered: Answered = {
  perSecond: requests.average,
  answered: requests.total,
  p50: quantile(0.5),
  p99: quantile(0.99),
  failed: errors + non2xx,
};
process.stdout.write(JSON.stringify(answered));
