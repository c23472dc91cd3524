"""An installed xfer, and projects built against it."""
import os
import subprocess


def run(*command, **options):
    done = subprocess.run(command, capture_output=True, text=True, **options)
    assert done.returncode == 0, (command, done.stdout, done.stderr)
    return done.stdout


class Installed:
    def __init__(self, build, prefix):
        self.build_folder, self.prefix = build, prefix
        for component in ("runtime", "compiler", "tools"):
            run("cmake", "--install", build, "--prefix", prefix, "--component", component)

    def cached(self, name):
        """A setting of xfer's build, its compiler say."""
        with open(os.path.join(self.build_folder, "CMakeCache.txt")) as cache:
            for line in cache:
                if line.startswith(name + ":"):
                    return line.split("=", 1)[1].strip()
        return ""

    def build(self, source, folder):
        """Configures and builds a project that finds the package; the flags of a sanitizer, say,
        are those of xfer's build."""
        flags = self.cached("CMAKE_CXX_FLAGS")
        run("cmake", "-S", source, "-B", folder, f"-DCMAKE_PREFIX_PATH={self.prefix}",
            f"-DCMAKE_C_COMPILER={self.cached('CMAKE_C_COMPILER')}", f"-DCMAKE_C_FLAGS={flags}",
            f"-DCMAKE_CXX_COMPILER={self.cached('CMAKE_CXX_COMPILER')}",
            f"-DCMAKE_CXX_FLAGS={flags}")
        run("cmake", "--build", folder)
        return folder
