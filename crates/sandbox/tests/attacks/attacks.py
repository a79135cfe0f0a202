"""What a hostile function tries. Each attack returns where it came through and raises OSError where
it was refused; it runs in a child, so that none disturbs the next."""

import ctypes, json, os, platform, resource, signal, socket, stat, struct, threading

libc = ctypes.CDLL(None, use_errno=True)


class Refused(OSError):
    pass


def refused_if(condition):
    if condition:
        raise Refused(0, 'not there')


def call(name, *arguments):
    """A system call by its name in the event's table."""
    to_c = lambda value: value if isinstance(value, (bytes, ctypes.Array)) else ctypes.c_long(value)
    result = libc.syscall(ctypes.c_long(calls[name]), *map(to_c, arguments))
    if result == -1:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    return result


# Files

def read_platform_file(event):
    refused_if(open(event['secret']).read() != 'secret')

def list_platform_folder(event):
    os.listdir(event['folder'])

def read_others_temporary_file(event):
    open(event['temporary']).read()

def write_own_code(event):
    open(os.environ['LAMBDA_TASK_ROOT'] + '/written', 'w').close()

def write_runtime_client(event):
    open(os.environ['LAMBDA_RUNTIME_DIR'] + '/written', 'w').close()

def write_programs(event):
    open('/usr/.written', 'w').close()
    os.remove('/usr/.written')

def write_core_pattern(event):
    open('/proc/sys/kernel/core_pattern', 'r+').close()

def write_own_proc(event):
    open('/proc/self/comm', 'w').write('renamed')

def open_device(event):
    os.stat('/dev/ptmx')

def make_device(event):
    os.mknod('/tmp/device', stat.S_IFCHR | 0o600, os.makedev(1, 3))
    os.remove('/tmp/device')

def list_control_groups(event):
    os.listdir('/sys/fs/cgroup')

def read_kernel_command_line(event):
    refused_if(not open('/proc/cmdline').read())

def fill_temporary_folder(event):
    with open('/tmp/full%d' % os.getpid(), 'wb') as file:
        try:
            os.posix_fallocate(file.fileno(), 0, 65 << 20)
        finally:
            os.remove('/tmp/full%d' % os.getpid())

def flood_temporary_folder(event):
    os.mkdir('/tmp/flood%d' % os.getpid())
    made = 0
    try:
        for made in range(20000):
            open('/tmp/flood%d/%d' % (os.getpid(), made), 'w').close()
    finally:
        for number in range(made + 1):
            try: os.remove('/tmp/flood%d/%d' % (os.getpid(), number))
            except FileNotFoundError: pass
        os.rmdir('/tmp/flood%d' % os.getpid())

def leak_mounts(event):
    text = ''.join(open('/proc/self/' + name).read() for name in ('mountinfo', 'mounts', 'mountstats'))
    refused_if(event['code'] not in text)

def leak_platforms_mounts(event):
    open('/proc/%d/mountinfo' % event['first']).read()

def list_mounts(event):
    request = struct.pack('=IIQQQ', 32, 0, 0xffffffffffffffff, 0, 0)
    call('listmount', request, ctypes.create_string_buffer(800), 100, 0)


# Processes

def see_process(event):
    refused_if('sleep' not in open('/proc/%d/cmdline' % event['victim']).read())

def kill_process(event):
    os.kill(event['victim'], 0)

def platforms_environment(event):
    open('/proc/%d/environ' % event['first'], 'rb').read()

def platforms_files(event):
    os.listdir('/proc/%d/fd' % event['first'])

def platforms_root(event):
    os.listdir('/proc/%d/root/' % event['first'])

def platforms_memory(event):
    open('/proc/%d/mem' % event['first'], 'rb').close()

def trace_process(event):
    pid = os.fork()
    if pid == 0:
        signal.pause()
    try:
        call('ptrace', 16, pid, 0, 0)
    finally:
        os.kill(pid, signal.SIGKILL)

def read_memory(event):
    word = ctypes.create_string_buffer(b'word')
    into = ctypes.create_string_buffer(8)
    vector = lambda at: struct.pack('QQ', ctypes.addressof(at), 4)
    call('process_vm_readv', os.getpid(), vector(into), 1, vector(word), 1, 0)
    refused_if(into.value != b'word')

def become_root(event):
    os.setresuid(0, 0, 0)
    refused_if(os.getuid() != 0)

def gain_by_exec(event):
    refused_if(libc.prctl(39, 0, 0, 0, 0) == 1 and os.statvfs('/usr').f_flag & os.ST_NOSUID)

def raise_limit(event):
    try: resource.setrlimit(resource.RLIMIT_NOFILE, (4096, 4096))
    except ValueError as error: raise OSError(1, str(error))

def many_threads(event):
    threading.stack_size(64 << 10)
    over = threading.Event()
    threads = []
    try:
        for _ in range(1200):
            thread = threading.Thread(target=over.wait)
            try: thread.start()
            except RuntimeError as error: raise OSError(11, str(error))
            threads.append(thread)
    finally:
        over.set()
        for thread in threads: thread.join()


# Namespaces and mounts

NEWUSER, NEWNET = 0x10000000, 0x40000000

def unshare_user(event):
    call('unshare', NEWUSER)

def clone_user(event):
    if call('clone', NEWUSER | signal.SIGCHLD, 0, 0, 0, 0) == 0:
        os._exit(0)

def clone3_user(event):
    if call('clone3', struct.pack('=11Q', NEWUSER, 0, 0, 0, signal.SIGCHLD, 0, 0, 0, 0, 0, 0), 88) == 0:
        os._exit(0)

def enter_namespace(event):
    call('setns', os.open('/proc/self/ns/uts', os.O_RDONLY), 0)

def rename_machine(event):
    call('sethostname', b'evil', 4)

def mount(event):
    call('mount', b'x', b'/tmp', b'tmpfs', 0, 0)

def unmount(event):
    call('umount2', b'/tmp', 2)

def make_file_system(event):
    call('fsopen', b'tmpfs', 0)

def copy_mounts(event):
    call('open_tree', -100, b'/usr', 1)

def move_mount(event):
    tree = call('open_tree', -100, b'/usr', 1)
    call('move_mount', tree, b'', -100, b'/tmp', 4)

def change_root(event):
    call('chroot', b'/tmp')


# The kernel

def use_bpf(event):
    try: call('bpf', 11, struct.pack('=30I', *[0] * 30), 120)
    except FileNotFoundError: pass

def use_io_uring(event):
    call('io_uring_setup', 1, ctypes.create_string_buffer(120))

def use_userfaultfd(event):
    call('userfaultfd', 1)

def use_keys(event):
    call('add_key', b'user', b'name', b'text', 4, -2)

def read_keyring(event):
    call('keyctl', 0, -3, 1)

def name_by_handle(event):
    handle = ctypes.create_string_buffer(struct.pack('=Ii', 128, 0) + bytes(128))
    call('name_to_handle_at', -100, b'/usr', handle, ctypes.create_string_buffer(4), 0)

def open_by_handle(event):
    handle = ctypes.create_string_buffer(struct.pack('=Ii', 128, 0) + bytes(128))
    call('name_to_handle_at', -100, b'/usr', handle, ctypes.create_string_buffer(4), 0)
    call('open_by_handle_at', os.open('/usr', os.O_RDONLY), handle, 0)


# The network

def connect_to_loopback(event):
    socket.create_connection(('127.0.0.1', event['port']), 2).close()

def connect_to_abstract_socket(event):
    socket.socket(socket.AF_UNIX).connect('\0' + event['abstract'])

def send_raw_packets(event):
    socket.socket(socket.AF_INET, socket.SOCK_RAW, 1)

def capture_packets(event):
    socket.socket(17, socket.SOCK_RAW, 0)

def open_vsock(event):
    socket.socket(40, socket.SOCK_STREAM, 0)

def open_kernel_crypto(event):
    socket.socket(38, 5, 0)

def open_netlink_events(event):
    socket.socket(16, socket.SOCK_RAW, 15)

def open_vsock_pair(event):
    libc.socketpair(16, 3, 0, ctypes.create_string_buffer(8))
    refused_if(ctypes.get_errno() == 97)


def attempt(name, event):
    try:
        globals()[name](event)
        return 'done'
    except OSError as error:
        import errno
        return 'refused: %s' % errno.errorcode.get(error.errno, error)
    except BaseException as error:
        return 'broken: %r' % error


def handler(event, context):
    global calls
    calls = event['calls']
    reader, writer = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.write(writer, attempt(event['attack'], event).encode())
        os._exit(0)
    os.close(writer)
    answer = b''
    while part := os.read(reader, 4096):
        answer += part
    os.close(reader)
    os.waitpid(pid, 0)
    return answer.decode()
