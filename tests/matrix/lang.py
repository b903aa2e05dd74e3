# SPDX-License-Identifier: GPL-2.0-or-later
#
# stack: (.*;)?<module>;(_PyEval_EvalFrame;_PyEval_Vector;)?PyEval_EvalCode;
# stack: (.*;)?Py_FinalizeEx;Py_RunMain;
import functools
import os
import time


def leaf(n):
    return sum(i ^ n for i in range(200))


class Square:
    def area(self, n):
        return functools.reduce(lambda a, b: a + leaf(b), [n, n + 1], 0)


def deep(n, s):
    return deep(n - 1, s) + n if n else s.area(n)


time.sleep(int(os.environ.get("MATRIX_IDLE_MS", 300)) / 1000)
end = time.process_time() + int(os.environ.get("MATRIX_MS", 500)) / 1000
while time.process_time() < end:
    deep(30, Square())
    sorted([3, 1, 2] * 20, key=lambda x: -x)
