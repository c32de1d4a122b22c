// A stand-in for the real program while working on the pages: the same API with invented data.
//
// `npm run mock` listens on 127.0.0.1:8787, serves dist/ under /app/ with the strict content
// security policy of the real server, and prints a one-time sign-in link.
import { randomBytes } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { dirname, extname, join, normalize } from 'node:path';
import { fileURLToPath } from 'node:url';

const DIST = join(dirname(fileURLToPath(import.meta.url)), '..', 'dist');
const CSP =
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; " +
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
const TYPES = {
    '.html': 'text/html; charset=utf-8',
    '.js': 'text/javascript; charset=utf-8',
    '.css': 'text/css; charset=utf-8',
    '.svg': 'image/svg+xml',
};

// A small seeded generator, so that two runs show the same things.
let seed = 42;
function random() {
    seed = (seed * 1664525 + 1013904223) >>> 0;
    return seed / 2 ** 32;
}
const pick = (items) => items[Math.floor(random() * items.length)];

function reasonOfAmount(amount) {
    const usual = Number((amount / (4 + random() * 8)).toFixed(2));
    return {
        detector: 'zscore',
        feature: 'user_amount_log',
        observed: amount,
        expected: usual,
        threshold: Number((usual * 3.1).toFixed(2)),
        contribution: Number((1.5 + random() * 3).toFixed(3)),
        message:
            `${amount.toFixed(2)} EUR is ${(amount / usual).toFixed(1)} times ` +
            `this customer's usual ${usual.toFixed(2)}`,
    };
}

const REASONS = [
    () => ({
        detector: 'iqr',
        feature: 'user_tx_count_1h',
        observed: 7 + Math.floor(random() * 9),
        expected: 0.8,
        threshold: 4,
        contribution: 1.21,
        message: 'Many payments within an hour; this customer usually makes 0.8',
    }),
    () => ({
        detector: 'rules',
        feature: null,
        observed: null,
        expected: null,
        threshold: null,
        contribution: 0.84,
        message:
            'Rule velocity-new-device: many payments in an hour from a device first seen today',
    }),
    () => ({
        detector: 'isolation_forest',
        feature: 'user_speed_kmh',
        observed: 1840,
        expected: 12,
        threshold: 900,
        contribution: 0.92,
        message: 'The distance from the last payment would need 1,840 km/h',
    }),
    () => ({
        detector: 'isolation_forest',
        feature: 'user_seconds_since_last',
        observed: 40,
        expected: 41000,
        threshold: 600,
        contribution: 0.4,
        message: 'Only 40 s after the last payment; usually some 11 hours pass',
    }),
    () => ({
        detector: 'isolation_forest',
        feature: 'merchant_amount_ratio',
        observed: 1.1,
        expected: 1,
        threshold: 4,
        contribution: -0.35,
        message: 'The amount is ordinary for this merchant',
    }),
];

let count = 0;
function makeAnomaly(time) {
    count += 1;
    const amount = Number((20 + random() ** 3 * 4000).toFixed(2));
    const p = 10 ** (-2 - random() * 4);
    const severity = p < 1e-5 ? 'critical' : p < 1e-4 ? 'high' : p < 1e-3 ? 'medium' : 'low';
    const iso = new Date(time).toISOString();
    const p_value = (factor) => Math.min(Number((p * factor).toPrecision(4)), 0.9);
    return {
        anomaly_id: `${iso.replace(/[-:.]/g, '')}-${String(count).padStart(6, '0')}`,
        transaction: {
            transaction_id: `t-${String(count).padStart(6, '0')}`,
            timestamp: iso,
            amount: amount.toFixed(2),
            currency: 'EUR',
            type: pick(['purchase', 'purchase', 'purchase', 'withdrawal', 'transfer']),
            user_id: `u-${100 + Math.floor(random() * 40)}`,
            merchant_id: `m-${1 + Math.floor(random() * 60)}`,
            counterparty_id: null,
            merchant_category_code: pick(['5732', '5411', '5999', '6011']),
            merchant_country: pick(['DE', 'AT', 'FR', 'NL']),
            issuer_country: 'AT',
            latitude: 47.8 + random() * 5,
            longitude: 9 + random() * 7,
            channel: pick(['online', 'pos', 'atm']),
            card_id: `c-${Math.floor(random() * 90)}`,
            device_id: `d-${Math.floor(random() * 90)}`,
            ip: '203.0.113.9',
            authorization: random() < 0.15 ? 'declined' : 'approved',
            attributes: { is_3ds: random() < 0.5, basket: 1 + Math.floor(random() * 6) },
        },
        score: Number((1 - p).toPrecision(9)),
        p_value: Number(p.toPrecision(4)),
        severity,
        decision: severity === 'critical' && random() < 0.3 ? 'block' : 'review',
        alerted: p < 1e-4,
        status: 'open',
        reasons: [
            reasonOfAmount(amount),
            ...REASONS.filter(() => random() < 0.45).map((make) => make()),
        ],
        detectors: {
            zscore: { score: 6.1, p_value: p_value(2), fired: true },
            iqr: { score: 2.4, p_value: p_value(12), fired: random() < 0.6 },
            isolation_forest: { score: 0.71, p_value: p_value(9), fired: random() < 0.5 },
            rules: { score: 0.8, p_value: p_value(40), fired: random() < 0.3 },
            autoencoder: { score: null, p_value: null, fired: false },
        },
        versions: {
            bundle: '6f1d0c9a5b7e44d2a8c3e9f70b1a2c3d',
            features: '91ab3c5d7e9f00112233445566778899',
        },
        degraded: random() < 0.1 ? ['autoencoder'] : [],
        timings_ms: { features: 0.21, detection: 0.34, decision: 0.05, total: 0.6 },
    };
}

const base64url = (text) => Buffer.from(text).toString('base64url');
function makeToken() {
    const exp = Math.floor(Date.now() / 1000) + 12 * 3600;
    const head = base64url('{"alg":"HS256","typ":"JWT"}');
    const claims = base64url(JSON.stringify({ sub: 'demo', role: 'analyst', exp }));
    return `${head}.${claims}.${randomBytes(16).toString('base64url')}`;
}

function send(response, status, body, headers = {}) {
    const type = status < 400 ? 'application/json' : 'application/problem+json';
    response.writeHead(status, { 'Content-Type': type, 'Cache-Control': 'no-store', ...headers });
    response.end(JSON.stringify(body));
}

function refuse(response, status, title, code, detail) {
    send(response, status, { type: 'about:blank', title, status, code, detail });
}

function serveFile(path, response) {
    const wanted = normalize(join(DIST, path.slice('/app/'.length)));
    const file =
        wanted.startsWith(DIST) && extname(wanted) !== '' ? wanted : join(DIST, 'index.html');
    if (!existsSync(file)) {
        response.writeHead(404, { 'Content-Type': 'text/plain' });
        response.end('not found: is dist/ built?');
        return;
    }
    response.writeHead(200, {
        'Content-Type': TYPES[extname(file)] ?? 'application/octet-stream',
        'Content-Security-Policy': CSP,
        'X-Content-Type-Options': 'nosniff',
        'Referrer-Policy': 'no-referrer',
    });
    response.end(readFileSync(file));
}

function matches(anomaly, query) {
    const { transaction, detectors } = anomaly;
    const equal = (name, value) => !query.has(name) || query.get(name) === value;
    const time = Date.parse(transaction.timestamp);
    return (
        equal('severity', anomaly.severity) &&
        equal('status', anomaly.status) &&
        equal('user_id', transaction.user_id) &&
        equal('merchant_id', transaction.merchant_id) &&
        (!query.has('detector') || detectors[query.get('detector')]?.fired === true) &&
        anomaly.score >= Number(query.get('min_score') ?? 0) &&
        (!query.has('from') || time >= Date.parse(query.get('from'))) &&
        (!query.has('to') || time < Date.parse(query.get('to')))
    );
}

function listAnomalies(anomalies, query, response) {
    const limit = Number(query.get('limit') ?? 50);
    const found = anomalies.filter((anomaly) => matches(anomaly, query));
    const cursor = query.get('cursor');
    const start = cursor === null ? 0 : found.findIndex((item) => item.anomaly_id === cursor) + 1;
    const items = found.slice(start, start + limit);
    const more = start + limit < found.length;
    send(response, 200, { items, next_cursor: more ? items.at(-1).anomaly_id : null });
}

/** Starts the server; returns its address, a fresh sign-in link and a way to stop it. */
export async function startMock({ port = 0, stored = 180, every_ms = 1500 } = {}) {
    const began = Date.now();
    const anomalies = [];
    for (let index = stored; index > 0; index -= 1) {
        anomalies.unshift(makeAnomaly(began - index * 47_000));
    }
    const codes = new Set();
    const tokens = new Set();
    let transactions = 41_200;

    const api = {
        '/status': (_query, response) =>
            send(response, 200, {
                status: 'ok',
                version: '0.1.0',
                uptime_seconds: Math.floor((Date.now() - began) / 1000),
                transactions,
                anomalies: anomalies.length,
                alerts: anomalies.filter((item) => item.alerted).length,
                transactions_per_second: Number((80 + 40 * Math.sin(Date.now() / 9000)).toFixed(1)),
                latency_ms: { p50: 0.41, p99: 1.87 },
                epoch: 12,
                bundle: '6f1d0c9a5b7e44d2a8c3e9f70b1a2c3d',
                services: [
                    { name: 'data-ingestor', status: 'ok' },
                    { name: 'ml-detector', status: 'ok' },
                ],
            }),
        '/anomalies': (query, response) => listAnomalies(anomalies, query, response),
    };

    const exchange = async (request, response) => {
        let body = '';
        for await (const chunk of request) {
            body += chunk;
        }
        const { code } = JSON.parse(body);
        if (!codes.delete(code)) {
            refuse(
                response,
                401,
                'Unauthorized',
                'code_used',
                'This sign-in code was used or expired.',
            );
            return;
        }
        const token = makeToken();
        tokens.add(token);
        const expires_at = new Date(Date.now() + 12 * 3600_000).toISOString();
        send(response, 200, { token, expires_at });
    };

    const server = createServer((request, response) => {
        const { pathname, searchParams } = new URL(request.url, 'http://localhost');
        if (pathname === '/' || pathname === '/app') {
            response.writeHead(302, { Location: '/app/' });
            response.end();
        } else if (pathname.startsWith('/app/')) {
            serveFile(pathname, response);
        } else if (pathname === '/auth/exchange' && request.method === 'POST') {
            void exchange(request, response);
        } else if (!tokens.has((request.headers.authorization ?? '').replace('Bearer ', ''))) {
            refuse(
                response,
                401,
                'Unauthorized',
                'token_invalid',
                'The access token is not valid.',
            );
        } else if (api[pathname] !== undefined) {
            api[pathname](searchParams, response);
        } else {
            const id = decodeURIComponent(pathname.replace('/anomalies/', ''));
            const found = anomalies.find((item) => item.anomaly_id === id);
            if (found === undefined) {
                refuse(response, 404, 'Not Found', 'not_found', `There is no anomaly ${id}.`);
            } else {
                send(response, 200, found);
            }
        }
    });
    await new Promise((resolve) => server.listen(port, '127.0.0.1', resolve));
    const timer = setInterval(() => {
        transactions += 130;
        anomalies.unshift(makeAnomaly(Date.now()));
    }, every_ms);

    const url = `http://127.0.0.1:${server.address().port}`;
    return {
        url,
        link: () => {
            const code = randomBytes(16).toString('base64url');
            codes.add(code);
            return `${url}/app/#token=${code}`;
        },
        stop: () => {
            clearInterval(timer);
            server.closeAllConnections();
            server.close();
        },
    };
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
    const mock = await startMock({ port: Number(process.env.PORT ?? 8787) });
    console.log(`mock server on ${mock.url}\nsign in: ${mock.link()}`);
    process.on('SIGUSR1', () => console.log(`sign in: ${mock.link()}`));
}
