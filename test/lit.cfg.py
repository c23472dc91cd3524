"""How lit finds and runs the tests. Needs the build's lit.site.cfg.py, which loads this file."""
import os

import lit.formats
import lit.Test


class XferTest(lit.formats.ShTest):
    """Shell tests by the end of their name: of Python files only `*_test.py` are tests."""

    ENDINGS = (".xfer", ".test", "_test.py")

    def getTestsForPath(self, testSuite, path_in_suite, litConfig, localConfig):
        name = path_in_suite[-1]
        if name.endswith(self.ENDINGS) and name not in localConfig.excludes:
            yield lit.Test.Test(testSuite, path_in_suite, localConfig)


config.name = "xfer"
config.test_format = XferTest(execute_external=False)
config.test_source_root = os.path.dirname(__file__)
config.test_exec_root = os.path.join(config.xfer_build_dir, "test")
config.excludes = ["Inputs"]

tools = os.path.join(config.xfer_build_dir, "bin")
config.environment["PATH"] = os.pathsep.join(
    [tools, config.llvm_tools_dir, config.environment["PATH"]])
config.environment["PYTHONDONTWRITEBYTECODE"] = "1"
for name in ("ASAN_OPTIONS", "UBSAN_OPTIONS", "TSAN_OPTIONS"):
    if name in os.environ:
        config.environment[name] = os.environ[name]

# Full paths, for tests that hand a tool to a script.
config.substitutions += [
    ("%python", config.python),
    ("%xfer-opt", os.path.join(tools, "xfer-opt")),
    ("%xfer-run", os.path.join(tools, "xfer-run")),
    ("%xfer-translate", os.path.join(tools, "xfer-translate")),
    ("%examples", os.path.join(config.xfer_source_dir, "docs", "examples")),
]
