"""How lit finds and runs the tests. Needs the build's lit.site.cfg.py, which loads this file."""
import os

import lit.formats

config.name = "xfer"
config.test_format = lit.formats.ShTest(execute_external=False)
config.suffixes = [".xfer", ".test", ".py"]
config.test_source_root = os.path.dirname(__file__)
config.test_exec_root = os.path.join(config.xfer_build_dir, "test")
# Of Python files only `*_test.py` are tests; the others are what they import.
config.excludes = ["Inputs"] + [
    name for _, _, names in os.walk(config.test_source_root) for name in names
    if name.endswith(".py") and not name.endswith("_test.py")]

if config.xfer_has_gloo == "ON":
    config.available_features.add("gloo")

tools = os.path.join(config.xfer_build_dir, "bin")
config.environment["PATH"] = os.pathsep.join(
    [tools, os.path.join(config.xfer_build_dir, "test", "bin"), config.llvm_tools_dir, config.environment["PATH"]])
config.environment["PYTHONDONTWRITEBYTECODE"] = "1"
for name in ("ASAN_OPTIONS", "UBSAN_OPTIONS", "TSAN_OPTIONS"):
    if name in os.environ:
        config.environment[name] = os.environ[name]

# Full paths, for tests that hand a tool to a script.
config.substitutions += [
    ("%python", config.python),
    ("%build", config.xfer_build_dir),
    ("%xfer-opt", os.path.join(tools, "xfer-opt")),
    ("%xfer-run", os.path.join(tools, "xfer-run")),
    ("%xfer-translate", os.path.join(tools, "xfer-translate")),
    ("%standin", os.path.join(config.xfer_build_dir, "test", "standin")),
    ("%examples", os.path.join(config.xfer_source_dir, "docs", "examples")),
]
