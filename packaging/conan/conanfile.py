"""Conan 2 recipe of Tessera, built from the tree that it lies in.

conan create packaging/conan                        headers alone
conan create packaging/conan -o "&:io=True"         with files, images and data sets
conan create packaging/conan -o "&:compiled=True"   static libraries too

Where `-c tools.system.package_manager:mode=check` or the like finds them, the option system_packages
takes Eigen, libpng, libjpeg and zlib from the system in place of Conan's packages.
"""
import os

from conan import ConanFile
from conan.tools.build import check_min_cppstd
from conan.tools.cmake import CMake, CMakeToolchain, cmake_layout
from conan.tools.files import copy


class TesseraConan(ConanFile):
    name = "tessera"
    version = "0.2.0"
    license = "MIT"
    description = "Trains and runs masked vision transformers (MAE, I-JEPA): header-only C++20 on Eigen"
    topics = ("vision-transformer", "mae", "i-jepa", "machine-learning", "header-only")
    package_type = "static-library"
    settings = "os", "arch", "compiler", "build_type"
    options = {"io": [True, False], "compiled": [True, False], "system_packages": [True, False]}
    default_options = {"io": False, "compiled": False, "system_packages": False}
    generators = ("CMakeDeps",)

    def export_sources(self):
        root = os.path.join(self.recipe_folder, "..", "..")
        for pattern in ("CMakeLists.txt", "LICENSE", "cmake/*", "include/*", "src/*"):
            copy(self, pattern, root, self.export_sources_folder)

    def configure(self):
        if not self.options.compiled:
            self.package_type = "header-library"

    def layout(self):
        cmake_layout(self)

    def requirements(self):
        if self.options.system_packages:
            return
        self.requires("eigen/3.4.0", transitive_headers=True)
        if self.options.io:
            self.requires("libpng/[>=1.6 <2]", transitive_headers=True)
            self.requires("libjpeg-turbo/[>=2 <4]", transitive_headers=True)
            self.requires("zlib/[>=1.2 <2]", transitive_headers=True)

    def validate(self):
        check_min_cppstd(self, 20)

    def package_id(self):
        if not self.info.options.compiled:
            self.info.settings.clear()

    def generate(self):
        toolchain = CMakeToolchain(self)
        toolchain.cache_variables.update({
            "TESSERA_IO": bool(self.options.io),
            "TESSERA_COMPILED": bool(self.options.compiled),
            "TESSERA_INSTALL": True,
            "TESSERA_BUILD_TESTS": False,
            "TESSERA_BUILD_EXAMPLES": False,
            "TESSERA_BUILD_BENCHMARKS": False,
        })
        toolchain.generate()

    def build(self):
        cmake = CMake(self)
        cmake.configure()
        cmake.build()

    def package(self):
        CMake(self).install()
        copy(self, "LICENSE", self.source_folder, os.path.join(self.package_folder, "licenses"))

    def package_info(self):
        # The package brings its own CMake files, which know its components.
        self.cpp_info.set_property("cmake_find_mode", "none")
        self.cpp_info.builddirs.append(os.path.join("lib", "cmake", "tessera"))
        self.cpp_info.bindirs = []
        self.cpp_info.libs = ["tessera_compiled"] if self.options.compiled else []
        if not self.options.compiled:
            self.cpp_info.libdirs = []
        elif self.options.io:
            self.cpp_info.libs.insert(0, "tessera_io_compiled")
