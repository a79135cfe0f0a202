'use strict';
// The Node.js runtime client: asks the Runtime API for events, runs the handler, posts results.
//
// Handler resolution, error shapes and log lines follow the behaviour of AWS's runtime client for
// Node.js, so that functions notice no difference. The HTTP spoken here is only what the platform's
// Runtime API answers: every response carries Content-Length.

const fs = require('node:fs');
const net = require('node:net');
const path = require('node:path');
const { Writable } = require('node:stream');
const { format } = require('node:util');
const Module = require('node:module');

const STREAMING = Symbol.for('aws.lambda.runtime.handler.streaming');
const HIGH_WATER_MARK = Symbol.for('aws.lambda.runtime.handler.streaming.highWaterMark');
const HTTP_INTEGRATION = 'application/vnd.awslambda.http-integration-response';
const BASE = '/2018-06-01/runtime';
const NEXT = `GET ${BASE}/invocation/next HTTP/1.1\r\nHost: runtime\r\n\r\n`;
const env = process.env;
// What follows from the environment, which may come later than this program.
let taskRoot;
// From Node.js 24 on AWS passes no callback: a handler returns a value or a promise.
let callbacks;
let jsonLogs;
// The level filter belongs to JSON logs; plain text passes everything.
let threshold;

function configure() {
  taskRoot = env.LAMBDA_TASK_ROOT;
  callbacks = !/nodejs(2[4-9]|[3-9]\d)/.test(env.AWS_EXECUTION_ENV ?? '');
  jsonLogs = env.AWS_LAMBDA_LOG_FORMAT?.toUpperCase() === 'JSON';
  threshold = jsonLogs ? (LEVELS[env.AWS_LAMBDA_LOG_LEVEL?.toUpperCase()] ?? 0) : 0;
}

// ---- started ahead ---------------------------------------------------------------------------

// Waits until it is known for which function this process was started, and becomes what it would be
// had it been started for that: what an interpreter reads at its start only, the platform gives to
// none that was started ahead.
function waitForFunction(descriptor) {
  // Node.js reads NODE_PATH at its start, and again only by this. Without it none is started ahead.
  if (typeof Module._initPaths !== 'function') process.exit(1);
  fs.writeSync(descriptor, '.');
  const said = fs.readFileSync(descriptor, 'utf8');
  fs.closeSync(descriptor);
  // The platform is gone.
  if (said === '') process.exit(1);
  const { environment } = JSON.parse(said);
  // What stays as it is is not touched: to set TZ, even to what it is, makes Node.js compare every
  // time zone there is with the machine's, which takes 30 ms.
  for (const name of Object.keys(env)) if (!(name in environment)) delete env[name];
  for (const [name, value] of Object.entries(environment)) {
    if (env[name] !== value) env[name] = value;
  }
  process.chdir(env.LAMBDA_TASK_ROOT);
  Module._initPaths();
}

// ---- errors ----------------------------------------------------------------------------------

function runtimeError(kind, message, stack) {
  const error = new Error(message);
  error.name = `Runtime.${kind}`;
  if (stack) error.stack = stack;
  return error;
}

const isError = (value) =>
  value instanceof Error || Object.prototype.toString.call(value) === '[object Error]';

// AWS escapes DEL in what it reports.
const clean = (text) => text.replace(/\x7F/g, '%7F');

function errorBody(error) {
  if (!isError(error)) {
    const type = typeof error;
    return { errorType: type, errorMessage: clean(String(error)), trace: [] };
  }
  return {
    errorType: clean(String(error.name)),
    errorMessage: clean(String(error.message)),
    trace: String(error.stack ?? '').split('\n').map(clean),
  };
}

// An Error's own fields first, then what user code hung onto it.
function errorFields(error) {
  return {
    errorType: error?.name ?? 'UnknownError',
    errorMessage: error?.message,
    code: error?.code,
    ...error,
    stack: typeof error?.stack === 'string' ? error.stack.split('\n') : error?.stack,
  };
}

// ---- logs ------------------------------------------------------------------------------------

const LEVELS = { TRACE: 1, DEBUG: 2, INFO: 3, WARN: 4, ERROR: 5, FATAL: 6 };
let requestId;

// One message is one log event: inner line ends travel as CR, and the platform turns them back.
function writeLog(text) {
  const bytes = Buffer.from(`${text.replace(/\r?\n/g, '\r')}\n`);
  let at = 0;
  while (at < bytes.length) {
    try {
      at += fs.writeSync(1, bytes, at);
    } catch (error) {
      if (error.code !== 'EAGAIN') return;
    }
  }
}

function jsonError(_key, value) {
  if (!(value instanceof Error)) return value;
  return {
    errorType: value.constructor?.name ?? 'UnknownError',
    errorMessage: value.message,
    stackTrace: typeof value.stack === 'string' ? value.stack.split('\n') : value.stack,
    ...value,
  };
}

function jsonLine(level, message, params) {
  const line = { timestamp: new Date().toISOString(), level, requestId };
  if (params.length === 0) {
    try {
      return JSON.stringify({ ...line, message }, jsonError);
    } catch {
      return JSON.stringify({ ...line, message: format(message) });
    }
  }
  line.message = format(message, ...params);
  const error = params.find((param) => param instanceof Error);
  if (error) {
    line.errorType = error.constructor?.name ?? 'UnknownError';
    line.errorMessage = error.message;
    line.stackTrace = typeof error.stack === 'string' ? error.stack.split('\n') : [];
  }
  return JSON.stringify(line);
}

function log(level, message, ...params) {
  if (LEVELS[level] < threshold) return;
  if (jsonLogs) return writeLog(jsonLine(level, message, params));
  writeLog(`${new Date().toISOString()}\t${requestId}\t${level}\t${format(message, ...params)}`);
}

function logFailure(title, error) {
  if (jsonLogs) return log('ERROR', error);
  let fields;
  try {
    fields = JSON.stringify(errorFields(error), (_key, v) => (isError(v) ? errorFields(v) : v));
  } catch {
    fields = JSON.stringify(errorBody(error));
  }
  log('ERROR', title, `\t${fields}`);
}

Object.assign(console, {
  trace: log.bind(null, 'TRACE'),
  debug: log.bind(null, 'DEBUG'),
  log: log.bind(null, 'INFO'),
  info: log.bind(null, 'INFO'),
  warn: log.bind(null, 'WARN'),
  error: log.bind(null, 'ERROR'),
  fatal: log.bind(null, 'FATAL'),
});

// ---- Runtime API -----------------------------------------------------------------------------

// One connection, one request at a time.
class RuntimeApi {
  constructor(address) {
    const [host, port] = address.split(':');
    this.received = Buffer.alloc(0);
    this.waiting = null;
    this.stream = null;
    // Whether `next` has been sent already, right behind the last result.
    this.asked = false;
    this.socket = net.createConnection({ host, port: Number(port), noDelay: true });
    this.connected = new Promise((resolve) => this.socket.once('connect', resolve));
    this.socket.on('data', (chunk) => {
      this.received = this.received.length ? Buffer.concat([this.received, chunk]) : chunk;
      this.settle();
    });
    // Without its platform the function has nothing left to do.
    this.socket.on('error', () => process.exit(1));
    this.socket.on('close', () => process.exit(1));
  }

  settle() {
    const headEnd = this.received.indexOf('\r\n\r\n');
    if (headEnd < 0 || !this.waiting) return;
    const [status, ...lines] = this.received.latin1Slice(0, headEnd).split('\r\n');
    const headers = {};
    for (const line of lines) {
      const colon = line.indexOf(':');
      headers[line.slice(0, colon).toLowerCase()] = line.slice(colon + 1).trim();
    }
    const end = headEnd + 4 + Number(headers['content-length']);
    if (this.received.length < end) return;
    const body = this.received.subarray(headEnd + 4, end);
    this.received = this.received.subarray(end);
    const resolve = this.waiting;
    this.waiting = null;
    // While the handler runs, only its own work keeps the event loop alive.
    this.socket.unref();
    resolve({ status: Number(status.split(' ')[1]), headers, body });
  }

  answer() {
    this.socket.ref();
    return new Promise((resolve) => {
      this.waiting = resolve;
      this.settle();
    });
  }

  next() {
    if (!this.asked) this.socket.write(NEXT);
    this.asked = false;
    return this.answer();
  }

  // Posts a result. Unless it is the last, asks for the next event in the same breath, which saves
  // a round trip on every invocation.
  post(target, body, headers = '', last = false) {
    const bytes = Buffer.from(body);
    this.socket.cork();
    this.socket.write(
      `POST ${BASE}${target} HTTP/1.1\r\nHost: runtime\r\n` +
        `Content-Type: application/json\r\nContent-Length: ${bytes.length}\r\n${headers}\r\n`,
    );
    this.socket.write(bytes);
    if (!last) this.socket.write(NEXT);
    this.asked = !last;
    this.socket.uncork();
    return this.answer();
  }

  postError(target, error, last = false) {
    const body = errorBody(error);
    const type = body.errorType.replace(/[^\x20-\x7E]/g, '?');
    return this.post(
      target,
      JSON.stringify(body),
      `Lambda-Runtime-Function-Error-Type: ${type}\r\n`,
      last,
    );
  }
}

// The stream that a streaming handler writes to: a chunked request body.
class ResponseStream extends Writable {
  constructor(api, id, highWaterMark) {
    super({ highWaterMark, decodeStrings: true });
    this.api = api;
    this.id = id;
    this.contentType = 'application/octet-stream';
    this.started = false;
    this.failure = null;
    this.posted = new Promise((resolve) => {
      this.resolvePosted = resolve;
    });
  }

  setContentType(type) {
    if (this.started) {
      throw runtimeError('InvalidStreamingOperation', 'Cannot set content-type, too late.');
    }
    this.contentType = String(type).replace(/[\r\n]/g, ' ');
  }

  write(chunk, ...rest) {
    const raw = typeof chunk === 'string' || chunk instanceof Uint8Array;
    return super.write(raw ? chunk : JSON.stringify(chunk), ...rest);
  }

  start() {
    if (this.started) return;
    this.started = true;
    this.api.stream = this;
    this.api.socket.ref();
    this.api.socket.write(
      `POST ${BASE}/invocation/${this.id}/response HTTP/1.1\r\nHost: runtime\r\n` +
        `Content-Type: ${this.contentType}\r\n` +
        'Lambda-Runtime-Function-Response-Mode: streaming\r\nTransfer-Encoding: chunked\r\n' +
        'Trailer: Lambda-Runtime-Function-Error-Type, Lambda-Runtime-Function-Error-Body\r\n\r\n',
    );
    this._onBeforeFirstWrite?.((chunk) => this.chunk(Buffer.from(chunk)));
  }

  chunk(bytes, done) {
    // An empty chunk would end the body.
    if (bytes.length === 0) return done?.();
    this.api.socket.cork();
    this.api.socket.write(`${bytes.length.toString(16)}\r\n`);
    this.api.socket.write(bytes);
    this.api.socket.write('\r\n', done);
    this.api.socket.uncork();
  }

  _write(bytes, _encoding, done) {
    this.start();
    this.chunk(bytes, done);
  }

  _final(done) {
    this.start();
    let trailers = '';
    if (this.failure) {
      const body = errorBody(this.failure);
      const encoded = Buffer.from(JSON.stringify(body)).toString('base64');
      trailers =
        `Lambda-Runtime-Function-Error-Type: ${body.errorType.replace(/[^\x20-\x7E]/g, '?')}\r\n` +
        `Lambda-Runtime-Function-Error-Body: ${encoded}\r\n`;
    }
    this.api.socket.write(`0\r\n${trailers}\r\n`);
    this.api.answer().then(() => {
      this.api.stream = null;
      this.resolvePosted();
      done();
    });
  }
}

globalThis.awslambda = {
  streamifyResponse(handler, options) {
    handler[STREAMING] = 'response';
    if (options?.highWaterMark !== undefined) {
      handler[HIGH_WATER_MARK] = parseInt(options.highWaterMark, 10);
    }
    return handler;
  },
  HttpResponseStream: {
    from(stream, metadata) {
      stream.setContentType(HTTP_INTEGRATION);
      stream._onBeforeFirstWrite = (write) => {
        write(JSON.stringify(metadata));
        // Eight NULs end the metadata.
        write(Buffer.alloc(8));
      };
      return stream;
    },
  },
};

// ---- the handler -----------------------------------------------------------------------------

function isModulePackage(file) {
  for (let folder = path.dirname(file); ; folder = path.dirname(folder)) {
    try {
      return JSON.parse(fs.readFileSync(path.join(folder, 'package.json'))).type === 'module';
    } catch (error) {
      if (error.code !== 'ENOENT') return false;
    }
    if (folder === path.dirname(folder)) return false;
  }
}

const isFile = (file) => fs.statSync(file, { throwIfNoEntry: false })?.isFile() ?? false;

async function loadModule(folder, name) {
  const base = path.resolve(taskRoot, folder, name);
  const load = Module.createRequire(path.join(taskRoot, 'index.js'));
  const imported = (file) => import(require('node:url').pathToFileURL(file).href);
  try {
    if (isFile(base)) return load(base);
    if (isFile(`${base}.js`)) {
      return isModulePackage(base) ? await imported(`${base}.js`) : load(`${base}.js`);
    }
    if (isFile(`${base}.mjs`)) return await imported(`${base}.mjs`);
    if (isFile(`${base}.cjs`)) return load(`${base}.cjs`);
    return load(require.resolve(name, { paths: [taskRoot, path.join(taskRoot, folder)] }));
  } catch (error) {
    if (error instanceof SyntaxError) {
      throw runtimeError('UserCodeSyntaxError', String(error), error.stack);
    }
    if (error?.code === 'MODULE_NOT_FOUND') throw runtimeError('ImportModuleError', String(error));
    throw error;
  }
}

async function loadHandler(full) {
  if (full.includes('..')) {
    throw runtimeError(
      'MalformedHandlerName',
      `'${full}' is not a valid handler name. Use absolute paths when specifying root directories in handler names.`,
    );
  }
  const base = path.basename(full);
  const parts = /^([^.]*)\.(.*)$/.exec(base);
  if (!parts) throw runtimeError('MalformedHandlerName', 'Bad handler');
  const module = await loadModule(full.slice(0, full.length - base.length), parts[1]);
  const pick = (root) => parts[2].split('.').reduce((at, key) => at?.[key], root);
  // An ESM import of a CommonJS bundle carries its exports under `default`.
  const handler = pick(module) ?? pick(module?.default);
  if (handler === undefined) {
    throw runtimeError('HandlerNotFound', `${full} is undefined or not exported`);
  }
  if (typeof handler !== 'function') {
    throw runtimeError('HandlerNotFound', `${full} is not a function`);
  }
  if (handler[STREAMING] && handler[STREAMING] !== 'response') {
    throw runtimeError('MalformedStreamingHandler', 'Only response streaming is supported.');
  }
  if (!callbacks && !handler[STREAMING] && handler.length >= 3) {
    throw runtimeError(
      'CallbackHandlerDeprecated',
      'AWS Lambda has removed support for callback-based function handlers starting with Node.js 24. ' +
        'Return a value or a promise instead.',
    );
  }
  return handler;
}

function parseHeader(headers, name) {
  const text = headers[name];
  if (!text) return undefined;
  try {
    return JSON.parse(text);
  } catch {
    throw new Error(`Cannot parse ${name} as JSON: ${text}`);
  }
}

function makeContext(headers) {
  const deadline = Number(headers['lambda-runtime-deadline-ms']);
  return {
    callbackWaitsForEmptyEventLoop: true,
    functionVersion: env.AWS_LAMBDA_FUNCTION_VERSION,
    functionName: env.AWS_LAMBDA_FUNCTION_NAME,
    memoryLimitInMB: env.AWS_LAMBDA_FUNCTION_MEMORY_SIZE,
    logGroupName: env.AWS_LAMBDA_LOG_GROUP_NAME,
    logStreamName: env.AWS_LAMBDA_LOG_STREAM_NAME,
    clientContext: parseHeader(headers, 'lambda-runtime-client-context'),
    identity: parseHeader(headers, 'lambda-runtime-cognito-identity'),
    invokedFunctionArn: headers['lambda-runtime-invoked-function-arn'],
    awsRequestId: headers['lambda-runtime-aws-request-id'],
    getRemainingTimeInMillis: () => deadline - Date.now(),
  };
}

// What runs when nothing is left that could still happen, as the event loop stands empty.
let whenIdle = null;
process.on('beforeExit', () => {
  const run = whenIdle;
  whenIdle = null;
  run?.();
});

// Runs a handler that answers with a value; resolves to it.
function runBuffered(handler, event, context) {
  return new Promise((resolve, reject) => {
    // A promise that can no longer settle, or a callback never called, answers null.
    whenIdle = () => resolve(null);
    const callback = (error, result) => {
      if (error !== undefined && error !== null) reject(error);
      else if (context.callbackWaitsForEmptyEventLoop) whenIdle = () => resolve(result);
      else resolve(result);
    };
    if (callbacks) {
      context.done = (error, result) => {
        context.callbackWaitsForEmptyEventLoop = false;
        callback(error, result);
      };
      context.succeed = (result) => context.done(null, result);
      context.fail = (error) => context.done(error ?? 'handled');
    }
    const returned = callbacks ? handler(event, context, callback) : handler(event, context);
    if (typeof returned?.then === 'function') returned.then(resolve, reject);
    // A plain value counts only where there is no callback to wait for.
    else if (!callbacks) resolve(returned);
  });
}

async function runStreaming(api, handler, event, context) {
  const stream = new ResponseStream(api, context.awsRequestId, handler[HIGH_WATER_MARK]);
  const fail = (error) => {
    logFailure('Invoke Error', error);
    stream.failure = error;
    stream.end();
  };
  stream.on('error', () => {});
  try {
    whenIdle = () => stream.end();
    await Promise.race([handler(event, stream, context), stream.posted]);
  } catch (error) {
    fail(error);
  }
  await stream.posted;
}

async function handleOne(api, handler, { headers, body }) {
  requestId = headers['lambda-runtime-aws-request-id'];
  const trace = headers['lambda-runtime-trace-id'];
  if (trace) env._X_AMZN_TRACE_ID = trace;
  else delete env._X_AMZN_TRACE_ID;
  const target = `/invocation/${requestId}`;
  try {
    const context = makeContext(headers);
    const event = JSON.parse(body.toString('utf8'));
    if (handler[STREAMING]) return await runStreaming(api, handler, event, context);
    const result = await runBuffered(handler, event, context);
    let text;
    try {
      text = JSON.stringify(result === undefined ? null : result) ?? 'null';
    } catch {
      throw runtimeError('JSONStringifyError', 'Unable to stringify response body');
    }
    await api.post(`${target}/response`, text);
  } catch (error) {
    logFailure('Invoke Error', error);
    await api.postError(`${target}/error`, error);
  } finally {
    whenIdle = null;
  }
}

async function main() {
  const api = new RuntimeApi(env.AWS_LAMBDA_RUNTIME_API);
  if (env.CUMULET_WAIT_FD) {
    await api.connected;
    waitForFunction(Number(env.CUMULET_WAIT_FD));
  }
  configure();
  const die = async (title, error, code) => {
    logFailure(title, error);
    const target = requestId ? `/invocation/${requestId}/error` : '/init/error';
    if (api.stream) {
      // The connection is taken by a response that has begun: its trailers tell.
      api.stream.failure ??= error;
      api.stream.end();
      await api.stream.posted;
    } else if (!api.waiting && !api.asked) {
      // Otherwise the last invocation is answered, and the exit speaks for itself.
      await api.postError(target, error, true);
    }
    process.exit(code);
  };
  process.on('uncaughtException', (error) => die('Uncaught Exception', error, 129));
  process.on('unhandledRejection', (reason, promise) => {
    const error = runtimeError('UnhandledPromiseRejection', String(reason));
    die('Unhandled Promise Rejection', Object.assign(error, { reason, promise }), 128);
  });
  let handler;
  try {
    handler = await loadHandler(env._HANDLER ?? '');
  } catch (error) {
    return die('Uncaught Exception', error, 1);
  }
  for (;;) await handleOne(api, handler, await api.next());
}

main();
