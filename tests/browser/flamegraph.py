#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""The flame graphs of test_export.c as a browser shows them: searched, zoomed, walked through by keys, in windows of several widths.

    flamegraph.py PROFILE.svg DIFFERENCE.svg

Exits with 77 where there is no Chromium."""
import json
import os
import shutil
import subprocess
import sys
import tempfile

MISSING = 77


class Browser:
    """Chromium, told what to do over a pair of pipes (its DevTools protocol)."""

    def __init__(self, program, folder):
        to_read, self.to = os.pipe()
        self.answers, answers_write = os.pipe()

        def as_3_and_4():
            # What is dup2()ed onto may be one of these.
            a, b = os.dup(to_read), os.dup(answers_write)
            os.dup2(a, 3)
            os.dup2(b, 4)

        # Started by root it has no sandbox; what it shows is ours.
        self.process = subprocess.Popen(
            [program, '--headless=new', '--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage', '--remote-debugging-pipe',
             '--user-data-dir=' + folder, '--no-first-run', '--disable-background-networking', '--disable-component-update'],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, preexec_fn=as_3_and_4, close_fds=False)
        os.close(to_read)
        os.close(answers_write)
        self.rest, self.number, self.session, self.events = b'', 0, None, []
        target = self.ask('Target.createTarget', url='about:blank')['targetId']
        self.session = self.ask('Target.attachToTarget', targetId=target, flatten=True)['sessionId']
        for domain in 'Page', 'Runtime', 'Log', 'Network':
            self.ask(domain + '.enable')

    def message(self):
        while b'\0' not in self.rest:
            more = os.read(self.answers, 1 << 16)
            if not more:
                raise RuntimeError('the browser has ended')
            self.rest += more
        one, self.rest = self.rest.split(b'\0', 1)
        return json.loads(one)

    def ask(self, method, **params):
        self.number += 1
        request = {'id': self.number, 'method': method, 'params': params}
        if self.session:
            request['sessionId'] = self.session
        os.write(self.to, json.dumps(request).encode() + b'\0')
        while True:
            got = self.message()
            if got.get('id') == self.number:
                if 'error' in got:
                    raise RuntimeError(f'{method}: {got["error"]}')
                return got['result']
            self.events.append(got)

    def wait(self, event):
        while not any(e.get('method') == event for e in self.events):
            self.events.append(self.message())

    def show(self, path, width, height, scheme='light'):
        self.ask('Emulation.setDeviceMetricsOverride', width=width, height=height, deviceScaleFactor=1, mobile=False)
        self.ask('Emulation.setEmulatedMedia', features=[{'name': 'prefers-color-scheme', 'value': scheme}])
        self.events = []
        self.ask('Page.navigate', url='file://' + os.path.abspath(path))
        self.wait('Page.loadEventFired')

    def js(self, expression):
        got = self.ask('Runtime.evaluate', expression=expression, returnByValue=True)
        if 'exceptionDetails' in got:
            raise RuntimeError(f'{expression}: {got["exceptionDetails"]}')
        # What scrolls and what is drawn is done by the next picture.
        return got['result'].get('value')

    def drawn(self):
        self.ask('Runtime.evaluate', awaitPromise=True,
                 expression='new Promise(r => requestAnimationFrame(() => requestAnimationFrame(r)))')

    def key(self, key):
        codes = {'Enter': 13, 'Escape': 27, 'ArrowLeft': 37, 'ArrowUp': 38, 'ArrowRight': 39, 'ArrowDown': 40}
        text = {'Enter': '\r'}.get(key, key if len(key) == 1 else '')
        self.ask('Input.dispatchKeyEvent', type='keyDown', key=key, text=text, windowsVirtualKeyCode=codes.get(key, 0))
        self.ask('Input.dispatchKeyEvent', type='keyUp', key=key, windowsVirtualKeyCode=codes.get(key, 0))
        self.drawn()

    def click(self, x, y):
        for kind in 'mousePressed', 'mouseReleased':
            self.ask('Input.dispatchMouseEvent', type=kind, x=x, y=y, button='left', clickCount=1)
        self.drawn()

    def picture(self, path):
        import base64
        with open(path, 'wb') as f:
            f.write(base64.b64decode(self.ask('Page.captureScreenshot', format='png')['data']))

    def end(self):
        self.process.kill()
        self.process.wait()


# What is shown: frames (with the name that is told of them) and texts, in the window's coordinates.
SHOWN = '''(() => {
    const box = e => { const b = e.getBoundingClientRect(); return { x: b.x, y: b.y, w: b.width, h: b.height } }
    const rgb = e => getComputedStyle(e).fill.match(/[0-9.]+/g).map(Number)
    const back = getComputedStyle(document.documentElement).backgroundColor.match(/[0-9.]+/g).map(Number)
    return {
        frames: [...document.querySelectorAll('.frames .f')].map(g => {
            const r = g.querySelector('rect'), t = g.querySelector('text')
            return { name: t ? t.textContent : '', box: box(r), text: t && box(t), fill: rgb(r), ink: t && rgb(t),
                     hit: r.classList.contains('hit'), faded: g.classList.contains('faded') }
        }),
        head: [...document.querySelectorAll('.head text')].filter(t => t.textContent && t.getBoundingClientRect().width)
            .map(t => ({ text: t.textContent, box: box(t), ink: rgb(t) })),
        tools: [...document.querySelectorAll('.tools input, .tools button')].map(box), backRect: box(document.querySelector('.back')),
        back, width: innerWidth, height: innerHeight, page: document.documentElement.scrollHeight,
        said: document.querySelector('.details').textContent, found: document.querySelector('.found').textContent,
    }
})()'''
FOCUSED = '(document.activeElement.getAttribute("aria-label") || "").split(":")[0]'


def luminance(rgb):
    linear = [c / 3294.6 if c <= 10 else ((c / 255 + 0.055) / 1.055) ** 2.4 for c in rgb[:3]]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(a, b):
    a, b = sorted((luminance(a), luminance(b)))
    return (b + 0.05) / (a + 0.05)


def apart(a, b):
    """Boxes that share no more than a rounding."""
    return a['x'] + a['w'] <= b['x'] + 1 or b['x'] + b['w'] <= a['x'] + 1 or a['y'] + a['h'] <= b['y'] + 1 or b['y'] + b['h'] <= a['y'] + 1


failed = []


def check(what, true, got=None):
    if not true:
        failed.append(what)
        print(f'flamegraph: {what}' + (f': {got}' if got is not None else ''))


def legible(shown, where):
    for f in shown['frames']:
        check(f'{where}: a frame is in the window', f['box']['x'] >= 0 and f['box']['x'] + f['box']['w'] <= shown['width'], f)
        if f['text']:
            check(f'{where}: the text of a frame is in it', f['text']['x'] >= f['box']['x'] and
                  f['text']['x'] + f['text']['w'] <= f['box']['x'] + f['box']['w'] + 1, f)
            check(f'{where}: text and frame differ', contrast(f['ink'], f['fill']) >= 4.5, f)
    frames = [f['box'] for f in shown['frames']]
    check(f'{where}: frames do not overlap', all(apart(a, b) for i, a in enumerate(frames) for b in frames[:i]))
    boxes = [h['box'] for h in shown['head']] + shown['tools']
    check(f'{where}: the head does not overlap itself', all(apart(a, b) for i, a in enumerate(boxes) for b in boxes[:i]), boxes)
    for h in shown['head']:
        check(f'{where}: the head is in the window', h['box']['x'] + h['box']['w'] <= shown['width'] + 1, h)
        check(f'{where}: the head can be read', contrast(h['ink'], shown['back']) >= 4.5, h)


def quiet(browser, where):
    """No error of the script, and nothing loaded but the file itself."""
    wrong = [e for e in browser.events if e.get('method') in ('Runtime.exceptionThrown', 'Log.entryAdded', 'Runtime.consoleAPICalled')]
    asked = [e['params']['request']['url'] for e in browser.events if e.get('method') == 'Network.requestWillBeSent']
    check(f'{where}: no errors', not wrong, wrong)
    check(f'{where}: nothing is loaded', all(u.startswith(('file:', 'data:')) for u in asked) and len(asked) == 1, asked)


def frame(shown, name):
    return next((f for f in shown['frames'] if f['name'] == name), {'box': {'x': 0, 'y': 0, 'w': 0, 'h': 0}, 'hit': False})


def profile(browser, path):
    browser.show(path, 1000, 180)
    shown = browser.js(SHOWN)
    legible(shown, 'at first')
    head = shown['head'][0]['text'], shown['head'][1]['text']
    check('the head says what it is of', head[0] == '1.1 us of CPU time of web, db', head[0])
    check('and when, and where', head[1].endswith(' from 1970-01-01 00:00:01 UTC on host1') and head[1].startswith('4 samples in '), head[1])
    check('the legend says what is there', [h['text'] for h in shown['head']][3:] == ['kernel', 'user', 'inlined', 'not known'],
          shown['head'])
    whole = frame(shown, 'all')['box']
    check('the first calls are in the window', 0 < whole['y'] < shown['height'], whole)
    for name, share in ('web', 900 / 1100), ('serve', 600 / 1100), ('do_syscall_[k]', 300 / 1100):
        check(f'{name} is as wide as its share', abs(frame(shown, name)['box']['w'] - share * whole['w']) < 2, frame(shown, name))

    browser.key('/')
    browser.ask('Input.insertText', text='^parse$')
    shown = browser.js(SHOWN)
    check('what matches is told', shown['found'] == '54.5 % matched, in 1 place: Enter, then n and N', shown['found'])
    check('and marked', [f['name'] for f in shown['frames'] if f['hit']] == ['parse'], shown['frames'])
    browser.key('Escape')
    browser.key('/')
    # A function that has another one's name in it: both match, the share counts them once. No regular expression is text.
    browser.ask('Input.insertText', text='SERVE|(')
    check('what is no regular expression is text', browser.js(SHOWN)['found'].startswith('0 % matched, in 0 places'), browser.js(SHOWN)['found'])
    browser.js('document.querySelector(".input").value = ""')
    browser.ask('Input.insertText', text='serve|parse')
    check('what calls itself counts once', browser.js(SHOWN)['found'].startswith('54.5 % matched, in 2 places'), browser.js(SHOWN)['found'])
    browser.key('Enter')
    check('Enter goes to the first', browser.js(FOCUSED) == 'serve (nginx)', browser.js(FOCUSED))
    browser.key('n')
    check('n to the next', browser.js(FOCUSED) == 'parse (nginx)', browser.js(FOCUSED))
    browser.key('N')
    check('N back', browser.js(FOCUSED) == 'serve (nginx)', browser.js(FOCUSED))
    shown = browser.js(SHOWN)
    at = frame(shown, 'serve')['box']
    check('it is in sight', shown['backRect']['y'] + shown['backRect']['h'] <= at['y'] + 1 and at['y'] + at['h'] <= shown['height'], at)
    check('it is told', shown['said'] == 'serve (nginx): 54.5 %, 600 ns, 1 sample', shown['said'])
    browser.key('Enter')
    shown = browser.js(SHOWN)
    legible(shown, 'zoomed')
    check('Enter makes it as wide as the whole', frame(shown, 'serve')['box']['w'] == frame(shown, 'all')['box']['w'], shown['frames'])
    check('with its callers below it', [f['name'] for f in shown['frames'] if f['faded']] == ['main', 'nginx', 'web', 'all'], shown['frames'])
    browser.key('ArrowUp')
    check('up is what it calls', browser.js(SHOWN)['said'] == 'parse (nginx): 54.5 %, 100 % of serve, 600 ns, 1 sample', browser.js(SHOWN)['said'])
    browser.key('Escape')
    check('Escape clears the search', not browser.js(SHOWN)['found'])
    browser.key('Escape')
    shown = browser.js(SHOWN)
    check('and goes back', not any(f['faded'] for f in shown['frames']) and frame(shown, 'db')['box']['w'] > 0, shown['frames'])

    at = frame(shown, 'nginx')['box']
    browser.click(at['x'] + 20, at['y'] + 5)
    shown = browser.js(SHOWN)
    check('a click zooms', frame(shown, 'nginx')['box']['w'] == frame(shown, 'all')['box']['w'], shown['frames'])
    check('and leaves it where it was', abs(frame(shown, 'nginx')['box']['y'] - at['y']) < 2, (at, frame(shown, 'nginx')['box']))
    browser.key('ArrowUp')
    check('keys go on from there', browser.js(FOCUSED) == 'main (nginx)', browser.js(FOCUSED))
    browser.js('document.querySelector(".reset").click()')
    check('the button goes back', not any(f['faded'] for f in browser.js(SHOWN)['frames']))
    quiet(browser, 'profile')
    for width, scheme in (1600, 'dark'), (640, 'light'), (360, 'dark'):
        browser.show(path, width, 500, scheme)
        shown = browser.js(SHOWN)
        legible(shown, f'{width} wide, {scheme}')
        check(f'{scheme} is {scheme}', (luminance(shown['back']) < 0.05) == (scheme == 'dark'), shown['back'])


def difference(browser, path):
    browser.show(path, 700, 400)
    shown = browser.js(SHOWN)
    legible(shown, 'difference')
    check('what is gone is told', shown['said'].startswith('No longer there: 66.7 % of before: serve 66.7 %'), shown['said'])
    red, legend = frame(shown, 'do_read_[k]').get('fill', [0, 0, 0]), [h['text'] for h in shown['head']]
    check('what is more is red', red[0] > red[2] + 50, red)
    check('the legend says so', 'more than before' in legend and 'less than before' in legend, legend)
    at = frame(shown, 'do_read_[k]')['box']
    browser.click(at['x'] + 20, at['y'] + 5)
    said = browser.js(SHOWN)['said']
    check('how much it was is told', said == 'do_read_[k]: 100 %, 900 ns, 1 sample; before: 33.3 %', said)
    quiet(browser, 'difference')


def main():
    program = shutil.which('chromium') or shutil.which('google-chrome')
    if not program:
        print('flamegraph: there is no Chromium')
        return MISSING
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        browser = Browser(program, folder)
        try:
            profile(browser, sys.argv[1])
            difference(browser, sys.argv[2])
            if len(sys.argv) > 3:
                browser.picture(sys.argv[3])
        finally:
            browser.end()
    return 1 if failed else 0


sys.exit(main())
