#include "tessera/core/threads/processors.hpp"

#include <filesystem>
#include <fstream>

#include "support/catch.hpp"
#include "support/scratch_folder.hpp"

namespace tessera {

namespace {

/// A tree of cgroups in files of the test's own.
struct Cgroups {
  test::ScratchFolder folder;

  void write(const std::string& path, const std::string& text) const {
    const std::filesystem::path file = folder / path;
    std::filesystem::create_directories(file.parent_path());
    std::ofstream(file) << text;
  }
  detail::CgroupFiles files() const {
    return {(folder / "membership").string(), (folder / "").string()};
  }
  std::optional<double> quota() const { return detail::cgroup_quota(files()); }
};

}  // namespace

TEST_CASE("without cgroups there is no quota") {
  const Cgroups none;
  CHECK_FALSE(none.quota().has_value());
  none.write("membership", "0::/\n");
  CHECK_FALSE(none.quota().has_value());
  none.write("membership", "nonsense\n\n:::\n0:cpu");
  CHECK_FALSE(none.quota().has_value());
  CHECK(usable_processors(none.files()) == detail::processors_of_affinity());
}

TEST_CASE("version 2: cpu.max of the group and of those around it, the lowest counts") {
  const Cgroups groups;
  groups.write("membership", "0::/pod/container\n");
  groups.write("pod/container/cpu.max", "max 100000\n");
  CHECK_FALSE(groups.quota().has_value());
  groups.write("pod/container/cpu.max", "250000 100000\n");
  CHECK(groups.quota() == 2.5);
  groups.write("pod/cpu.max", "600000 200000\n");
  CHECK(groups.quota() == 2.5);
  groups.write("pod/cpu.max", "300000 200000\n");
  CHECK(groups.quota() == 1.5);
  groups.write("cpu.max", "50000 100000\n");
  CHECK(groups.quota() == 0.5);
}

TEST_CASE("version 2: a container sees its own group as the root") {
  const Cgroups groups;
  groups.write("membership", "0::/kubepods/pod1/abc\n");
  groups.write("cpu.max", "150000 100000");
  CHECK(groups.quota() == 1.5);
}

TEST_CASE("version 1: quota and period of the tree that limits processors") {
  const Cgroups groups;
  groups.write("membership",
               "4:memory:/other\n3:cpuset:/other\n2:cpu,cpuacct:/docker/abc\n0::/x\n");
  groups.write("memory/other/cpu.cfs_quota_us", "1\n");  // no limit of processors
  groups.write("cpuset/other/cpu.cfs_quota_us", "1\n");
  groups.write("cpu,cpuacct/docker/abc/cpu.cfs_quota_us", "-1\n");
  groups.write("cpu,cpuacct/docker/abc/cpu.cfs_period_us", "100000\n");
  CHECK_FALSE(groups.quota().has_value());
  groups.write("cpu,cpuacct/docker/abc/cpu.cfs_quota_us", "350000\n");
  CHECK(groups.quota() == 3.5);
  groups.write("cpu/cpu.cfs_quota_us", "200000\n");  // mounted under one of its names
  groups.write("cpu/cpu.cfs_period_us", "100000\n");
  CHECK(groups.quota() == 2.0);
}

TEST_CASE("usable processors: affinity, and no more than the quota pays for, at least one") {
  const Cgroups groups;
  groups.write("membership", "0::/\n");
  groups.write("cpu.max", "1900000000 100000\n");
  CHECK(usable_processors(groups.files()) == detail::processors_of_affinity());
  groups.write("cpu.max", "199999 100000\n");  // rounded down
  CHECK(usable_processors(groups.files()) == 1);
  groups.write("cpu.max", "1000 100000\n");
  CHECK(usable_processors(groups.files()) == 1);
  for (const char* nonsense : {"0 100000", "-5 100000", "100000 0", "100000", "x y", ""}) {
    groups.write("cpu.max", nonsense);
    CHECK(usable_processors(groups.files()) == detail::processors_of_affinity());
  }
}

#if defined(__linux__)
TEST_CASE("usable processors: an affinity for one processor makes it one", "[threads]") {
  Index found = 0;
  std::thread([&] {  // whose affinity is its own
    cpu_set_t all;
    REQUIRE(sched_getaffinity(0, sizeof(all), &all) == 0);
    cpu_set_t one;
    CPU_ZERO(&one);
    for (int processor = 0; CPU_COUNT(&one) == 0; ++processor) {
      if (CPU_ISSET(processor, &all)) CPU_SET(processor, &one);
    }
    REQUIRE(sched_setaffinity(0, sizeof(one), &one) == 0);
    found = usable_processors();
  })
      .join();
  CHECK(found == 1);
}
#endif

}  // namespace tessera
