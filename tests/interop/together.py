"""Runs the tests of a module at the same time: most of them wait, Transmission for 10 seconds at a
time. Each has addresses, processes and files of its own."""

import concurrent.futures
import unittest

AT_ONCE_MAX = 8


class _Record(unittest.TestResult):
    """What one test told while others ran, to be told to the real result afterwards."""

    def __init__(self):
        super().__init__()
        self.calls = []

    def addSuccess(self, test):
        self.calls.append(("addSuccess", (test,)))

    def addError(self, test, err):
        self.calls.append(("addError", (test, err)))

    def addFailure(self, test, err):
        self.calls.append(("addFailure", (test, err)))

    def addSkip(self, test, reason):
        self.calls.append(("addSkip", (test, reason)))

    def addSubTest(self, test, subtest, err):
        self.calls.append(("addSubTest", (test, subtest, err)))

    def replay(self, test, result):
        result.startTest(test)
        for name, arguments in self.calls:
            getattr(result, name)(*arguments)
        result.stopTest(test)


def _flat(tests):
    for test in tests:
        if isinstance(test, unittest.TestSuite):
            yield from _flat(test)
        else:
            yield test


def _run(test):
    record = _Record()
    test(record)
    return record


class Suite(unittest.TestSuite):
    """Takes the place of a module's suite: load_tests returns it."""

    def __init__(self, tests, module_ended):
        super().__init__(tests)
        self.module_ended = module_ended

    def run(self, result, debug=False):
        tests = list(_flat(self))
        for kind in {type(test): None for test in tests}:
            if hasattr(kind, "setUpClass"):
                kind.setUpClass()
        with concurrent.futures.ThreadPoolExecutor(AT_ONCE_MAX) as pool:
            records = list(pool.map(_run, tests))
        for test, record in zip(tests, records):
            record.replay(test, result)
        self.module_ended()
        return result
