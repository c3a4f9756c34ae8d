"""Rondo for Conan 2: conan create packaging/conan --version 0.1.0, in a checkout."""
# SPDX-License-Identifier: MIT
import os

from conan import ConanFile
from conan.tools.cmake import CMake, CMakeDeps, CMakeToolchain, cmake_layout
from conan.tools.files import copy, rmdir


class Rondo(ConanFile):
    name = "rondo"
    license = "MIT"
    description = "An event loop for C in the shape of asyncio"
    topics = ("event-loop", "asyncio", "epoll", "io-uring", "iocp", "kqueue")
    package_type = "library"
    settings = "os", "arch", "compiler", "build_type"
    options = {"shared": [True, False], "fPIC": [True, False],
               "tls": [True, False], "cares": [True, False]}
    default_options = {"shared": False, "fPIC": True,
                       "tls": False, "cares": False}

    def config_options(self):
        if self.settings.os == "Windows":
            del self.options.fPIC

    def configure(self):
        if self.options.shared:
            self.options.rm_safe("fPIC")
        self.settings.rm_safe("compiler.libcxx")
        self.settings.rm_safe("compiler.cppstd")

    def requirements(self):
        if self.options.tls:
            self.requires("openssl/[>=1.1.1 <4]")
        if self.options.cares:
            self.requires("c-ares/[>=1.16 <2]")

    def layout(self):
        cmake_layout(self)

    def export_sources(self):
        root = os.path.join(self.recipe_folder, "..", "..")
        for pattern in ("CMakeLists.txt", "LICENSE", "README.md", "CHANGELOG.md",
                        "cmake/*", "contrib/*", "doc/*", "examples/*",
                        "include/*", "src/*", "tools/rondo-info.c"):
            copy(self, pattern, root, self.export_sources_folder)

    def components(self):
        return [name for name in ("tls", "cares") if self.options.get_safe(name)]

    def generate(self):
        CMakeDeps(self).generate()
        toolchain = CMakeToolchain(self)
        toolchain.cache_variables["RONDO_LIBRARY_ONLY"] = True
        toolchain.cache_variables["RONDO_BUILD_TOOLS"] = False
        toolchain.cache_variables["RONDO_COMPONENTS"] = ";".join(self.components())
        toolchain.generate()

    def build(self):
        cmake = CMake(self)
        cmake.configure()
        cmake.build()

    def package(self):
        CMake(self).install()
        copy(self, "LICENSE", self.source_folder,
             os.path.join(self.package_folder, "licenses"))
        for folder in ("share", "lib/cmake", "lib/pkgconfig"):
            rmdir(self, os.path.join(self.package_folder, folder))

    def package_info(self):
        self.cpp_info.set_property("cmake_file_name", "rondo")
        base = self.cpp_info.components["rondo"]
        base.set_property("cmake_target_name", "rondo::rondo")
        base.set_property("pkg_config_name", "rondo")
        base.libs = ["rondo"]
        if self.options.shared:
            base.defines = ["RONDO_SHARED"]
        if self.settings.os == "Windows":
            base.system_libs = ["ws2_32", "mswsock", "iphlpapi", "ntdll", "bcrypt"]
        else:
            base.system_libs = ["pthread", "dl"]
        for name in self.components():
            part = self.cpp_info.components[name]
            part.set_property("cmake_target_name", f"rondo::{name}")
            part.set_property("pkg_config_name", f"rondo-{name}")
            part.libs = [f"rondo_{name}"]
            part.requires = ["rondo", {"tls": "openssl::openssl",
                                       "cares": "c-ares::cares"}[name]]
            if self.options.shared:
                part.defines = [f"RONDO_{name.upper()}_SHARED"]
