# SPDX-License-Identifier: GPL-2.0-or-later
"""
Many ways to call: each ends in spin(), which prints "stack …": the functions, files and lines that the program itself knows that it is in, and then
computes, on one line. known_check.py compares with the stacks of a profile.
"""
# pylint: skip-file
import sys, os, time, threading, functools, asyncio, ctypes, re, json, itertools
MS = float(os.environ.get("KNOWN_MS", "120")) / 1000
def say(f, line):
    out = []
    while f:
        c = f.f_code
        out.append("%s@%s:%s" % (getattr(c, "co_qualname", c.co_name), c.co_filename, line or f.f_lineno))
        line = None
        f = f.f_back
    os.write(1, ("stack " + ";".join(out) + "\n").encode())
def spin():
    end = time.thread_time() + MS; say(sys._getframe(), 20)
    x = 0
    while time.thread_time() < end: x = x * 3 + 1 & 0xffffff; x ^= 5; x += 7; x = x * 3 + 1 & 0xffffff; x ^= 5; x += 7
    return x
def plain(): return spin()
def nested():
    def inner():
        return (lambda: spin())()
    return inner()
class Klass:
    def method(self): return spin()
    @classmethod
    def clsm(cls): return cls().method()
    @staticmethod
    def stat(): return Klass.clsm()
    @property
    def prop(self): return self.stat()
    def __call__(self, a): return self.prop
    def __add__(self, o): return self(o)
    def __lt__(self, o): self + o; return False
    def __getattr__(self, name):
        if name == "ghost": return self + 1
        raise AttributeError(name)
    def __del__(self):
        if getattr(self, "loud", 0): spin()
    class Inner:
        def deepest(self):
            return Klass() + 2
def gen():
    for i in range(2):
        spin()
        yield i
def outer_gen():
    yield from gen()
def use_gen(): return [x for x in outer_gen()]
def comp(): return [spin() for i in range(2)], {i: spin() for i in range(1)}, set(spin() for i in range(1))
def csort(): return sorted([3, 1], key=lambda v: spin())
def cmap(): return list(map(lambda v: Klass() + v, [1]))
def creduce(): return functools.reduce(lambda a, b: spin(), [1, 2])
def csortlt(): return sorted([Klass(), Klass()])
def cre(): return re.sub("a", lambda m: spin() and "b", "xax")
def rec(n):
    if n == 0:
        return spin()
    return rec(n - 1)
def rec_native(n):
    if not n:
        return spin()
    return list(map(rec_native, [n - 1]))
def rec_mixed(n):
    if not n: return spin()
    if n % 3: return rec_mixed(n - 1)
    return max([n - 1], key=rec_mixed)
async def leaf_co(): await asyncio.sleep(0); return spin()
async def mid_co(): return await leaf_co()
async def agen():
    for i in range(2):
        await asyncio.sleep(0); spin()
        yield i
async def main_co():
    await asyncio.gather(mid_co(), mid_co())
    async for x in agen(): spin()
    return [x async for x in agen()]
def co(): asyncio.run(main_co())
def execd():
    exec(compile("def in_exec():\n    a = 1\n    return spin()\nin_exec()\n", "<made here>", "exec"), globals())
    eval("spin()")
def ghost(): return Klass().ghost
def dele():
    k = Klass(); k.loud = 1
    del k
def inner(): return Klass.Inner().deepest()
CB = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(ctypes.c_int), ctypes.POINTER(ctypes.c_int))
done = 0
def cmp(a, b):
    global done
    if not done: done = 1; spin()
    return 0
def qs():
    global done; done = 0
    arr = (ctypes.c_int * 4)(4, 3, 2, 1)
    ctypes.CDLL(None).qsort(arr, 4, 4, CB(cmp))
def exc():
    try:
        raise ValueError(1)
    except ValueError:
        try:
            return spin()
        finally:
            spin()
class Ctx:
    def __enter__(self): spin(); return self
    def __exit__(self, *a): spin()
def with_():
    with Ctx():
        spin()
def deco(f):
    @functools.wraps(f)
    def wrapper(*a, **k):
        return f(*a, **k)
    return wrapper
@deco
@functools.lru_cache(None)
def wrapped(): return spin()
def multi(): return max(
        1,
        2,
        spin(
        ),
        3)
def throw():
    def g():
        try:
            yield 1
        except KeyError:
            yield spin()
    i = g(); next(i); i.throw(KeyError)
def far():
    pass


































































































































    return spin()
def übung(): return spin()
def 名前(): return übung()
def hook():
    class M(type):
        def __new__(m, n, b, d): spin(); return type.__new__(m, n, b, d)
        def __call__(c): spin(); return type.__call__(c)
    class X(metaclass=M):
        spin()
        def __init__(self): spin()
    X()
def thr():
    ts = [threading.Thread(target=plain), threading.Thread(target=use_gen), threading.Thread(target=cmap)]
    for t in ts: t.start()
    for t in ts: t.join()
def many_threads():
    stop = threading.Event()
    ts = [threading.Thread(target=stop.wait) for i in range(60)]
    for t in ts: t.start()
    plain()
    stop.set()
    for t in ts: t.join()
def js(): return json.dumps({"a": object()}, default=lambda o: spin())
def starm(): return list(itertools.starmap(lambda a, b: spin(), [(1, 2)]))
def trace_():
    sys.setprofile(lambda f, e, a: None)
    try: return plain()
    finally: sys.setprofile(None)
time.sleep(float(os.environ.get("MATRIX_IDLE_MS", "1500")) / 1000)
ALL = [plain, nested, use_gen, comp, csort, cmap, creduce, csortlt, cre, lambda: rec(60), lambda: rec_native(12), lambda: rec_mixed(20), co, execd,
       ghost, dele, inner, qs, exc, with_, wrapped, multi, throw, far, 名前, hook, thr, many_threads, js, starm, trace_]
for f in ALL:
    f()
pid = os.fork()
if not pid:
    plain(); cmap(); os._exit(0)
os.waitpid(pid, 0)
