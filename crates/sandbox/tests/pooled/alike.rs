//! A function cannot tell whether its sandbox waited for it.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde_json::Value;

use crate::rig::{Plan, Rig, isolated};

const PYTHON: &str = r"
import sys
loaded = sorted(sys.modules)
path = list(sys.path)
import ctypes, locale, logging, os, resource, signal, time

def library():
    try:
        ctypes.CDLL('libown.so')
        return 'found'
    except OSError as error:
        return str(error)

def text(path):
    try: return open(path).read()
    except OSError as error: return str(error)

def handler(event, context):
    if event == 'waited':
        return b'CUMULET_WAIT_FD' in open('/proc/self/environ', 'rb').read()
    environment = dict(os.environ)
    stream = environment.pop('AWS_LAMBDA_LOG_STREAM_NAME')
    assert stream == context.log_stream_name
    try: from shared import WORD
    except ImportError as error: WORD = str(error)
    return {
        'argv': [sys.argv, sys.orig_argv, sys.executable, str(sys.flags)],
        'environment': environment,
        'c environment': [ctypes.CDLL(None).getenv(b'CUMULET_WAIT_FD'), os.getenv('TZ')],
        'files': sorted(os.listdir('/proc/self/fd')),
        'folders': [os.getcwd(), os.listdir('.'), sorted(os.listdir('/')), sorted(os.listdir('/opt'))],
        'library': library(),
        'limits': [resource.getrlimit(n) for n in range(16)],
        'loaded': loaded,
        'locale': [locale.setlocale(locale.LC_CTYPE), sys.stdout.encoding, sys.getfilesystemencoding()],
        'logging': [len(logging.root.handlers), logging.root.level],
        'path': path,
        'shared': WORD,
        'signals': [line for line in text('/proc/self/status').split('\n') if line[:4] in ('SigB', 'SigI', 'SigC', 'CapP', 'CapB', 'NoNe', 'Secc')],
        'storage': os.statvfs('/tmp').f_blocks,
        'time': [time.tzname, time.timezone],
        'writable': [os.access(folder, os.W_OK) for folder in ('/', '/var', '/var/task', '/opt', '/tmp')],
    }
";

const NODE: &str = r"
const loaded = Object.keys(require.cache);
const fs = require('fs'), os = require('os'), v8 = require('v8'), Module = require('module');
const attempt = (what) => { try { return what() } catch (error) { return error.code } };
exports.handler = async (event, context) => {
  if (event === 'waited') return fs.readFileSync('/proc/self/environ').includes('CUMULET_WAIT_FD');
  const environment = { ...process.env };
  delete environment.AWS_LAMBDA_LOG_STREAM_NAME;
  return {
    argv: [process.argv, process.execArgv, process.execPath, process.title],
    environment,
    files: fs.readdirSync('/proc/self/fd').length,
    folders: [process.cwd(), fs.readdirSync('.'), fs.readdirSync('/'), fs.readdirSync('/opt')],
    heap: v8.getHeapStatistics().heap_size_limit,
    home: [os.homedir(), os.tmpdir(), os.hostname()],
    listeners: process.eventNames().map((name) => [String(name), process.listenerCount(name)]),
    loaded,
    module: [require.main?.filename, module.paths, Module.globalPaths],
    resources: process.getActiveResourcesInfo(),
    shared: attempt(() => require('shared')),
    time: [new Date(0).getHours(), Intl.DateTimeFormat().resolvedOptions().timeZone],
    writable: ['/', '/var/task', '/opt', '/tmp'].map((f) => attempt(() => fs.accessSync(f, 2))),
    arch: await import('shared').then((m) => m.default, (error) => error.code),
  };
};
";

/// A function with a module that one of its layers may have, in sizes that few have.
fn plan(runtime: &str, files: &[(&str, &str)]) -> Plan {
    let mut plan = Plan::new(runtime, "index.handler", files);
    plan.function.memory_mb = 300;
    plan.function.storage_mb = 600;
    for (name, value) in [("TZ", "Asia/Tokyo"), ("MINE", "a=b\n\"ü\""), ("NODE_ENV", "production")]
    {
        plan.function.environment.insert(name.to_owned(), value.to_owned());
    }
    plan
}

fn start(plan: Plan, ahead: bool) -> Rig {
    if ahead { plan.start() } else { plan.start_on(|_| Arc::new(isolated(None, None))) }
}

/// What the same function finds in a sandbox that waited, and in one that did not.
async fn compare(make: impl Fn() -> Plan) -> Value {
    let (waited, fresh) = (start(make(), true), start(make(), false));
    assert_eq!(waited.value("\"waited\"").await, true);
    assert_eq!(fresh.value("\"waited\"").await, false);
    let (waited, fresh) = (waited.value("{}").await, fresh.value("{}").await);
    for (name, found) in fresh.as_object().unwrap() {
        assert_eq!(&waited[name], found, "{name}");
    }
    waited
}

/// A library of this machine's under another name.
fn library() -> PathBuf {
    let maps = fs::read_to_string("/proc/self/maps").unwrap();
    let mut files = maps.lines().filter_map(|line| line.split_ascii_whitespace().nth(5));
    files.find(|file| file.contains("/libgcc_s.") || file.contains("/libm.")).unwrap().into()
}

fn write(file: &Path, text: impl AsRef<[u8]>) {
    fs::create_dir_all(file.parent().unwrap()).unwrap();
    fs::write(file, text).unwrap();
}

#[tokio::test]
async fn python_finds_the_same() {
    let found = compare(|| plan("python3.11", &[("index.py", PYTHON)])).await;
    assert_eq!(found["time"][1], -9 * 3600);
    assert_eq!(found["folders"][0], "/var/task");
    assert_eq!(found["folders"][3], serde_json::json!([]));
    assert!(found["library"].as_str().unwrap().contains("cannot open"), "{}", found["library"]);
}

#[tokio::test]
async fn python_finds_the_same_in_its_package_and_its_layers() {
    for place in ["package", "layers"] {
        let found = compare(|| {
            let mut plan = plan("python3.11", &[("index.py", PYTHON)]);
            let code = plan.function.code.clone();
            let layers = code.with_file_name("layers");
            let under = if place == "package" { &code } else { &layers };
            fs::create_dir_all(under.join("lib")).unwrap();
            fs::copy(library(), under.join("lib/libown.so")).unwrap();
            write(&layers.join("python/shared.py"), "WORD = 'from a layer'\n");
            plan.function.layers = Some(layers);
            plan
        })
        .await;
        assert_eq!(found["library"], "found", "{place}");
        assert_eq!(found["shared"], "from a layer");
    }
}

#[tokio::test]
async fn node_finds_the_same() {
    for runtime in ["nodejs20.x", "nodejs22.x"] {
        if cumulet_sandbox::select(runtime.parse().unwrap(), crate::rig::interpreters()).is_none() {
            continue;
        }
        let found = compare(|| plan(runtime, &[("index.js", NODE)])).await;
        assert_eq!(found["time"][1], "Asia/Tokyo");
        assert_eq!(found["shared"], "MODULE_NOT_FOUND");
        let found = compare(|| {
            let mut plan = plan(runtime, &[("index.js", NODE)]);
            let layers = plan.function.code.with_file_name("layers");
            write(&layers.join("nodejs/node_modules/shared/index.js"), "module.exports = 7");
            plan.function.layers = Some(layers);
            plan
        })
        .await;
        assert_eq!(found["shared"], 7);
    }
}

/// What is read once at start cannot be given later.
#[tokio::test]
async fn who_needs_a_start_of_its_own_gets_it() {
    let mut with_options = plan("nodejs20.x", &[("index.js", NODE)]);
    with_options.function.environment.insert("NODE_OPTIONS".into(), "--no-warnings".into());
    let mut with_variable = plan("python3.11", &[("index.py", PYTHON)]);
    with_variable.function.environment.insert("PYTHONHASHSEED".into(), "1".into());
    let mut with_site = plan("python3.11", &[("index.py", PYTHON)]);
    let layers = with_site.function.code.with_file_name("layers");
    write(&layers.join("python/sitecustomize.py"), "");
    with_site.function.layers = Some(layers);
    for plan in [with_options, with_variable, with_site] {
        assert_eq!(plan.start().value("\"waited\"").await, false);
    }
}
