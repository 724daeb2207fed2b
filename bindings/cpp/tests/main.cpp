// The tests' programs in one, so that each sanitizer compiles once: golden PAGE, units, verify NAME=VALUE..., checksum
// NAME=VALUE..., deferred NAME=VALUE...
#include <cstdio>
#include <string>

#include "checksum.hpp"
#include "deferred.hpp"
#include "golden.hpp"
#include "units.hpp"
#include "verify.hpp"

int main(int count, char** values) {
    using namespace cuframes_tests;
    const std::string command = count > 1 ? values[1] : "";
    if (command == "golden" && count == 3) {
        return golden(values[2]);
    }
    if (command == "units" && count == 2) {
        return units();
    }
    if (command == "verify") {
        return Verify(Arguments(count - 2, values + 2)).run();
    }
    if (command == "checksum") {
        return checksum(Arguments(count - 2, values + 2));
    }
    if (command == "deferred") {
        return deferred(Arguments(count - 2, values + 2));
    }
    std::fprintf(stderr, "usage: golden PAGE | units | verify NAME=VALUE... | checksum NAME=VALUE... | deferred NAME=VALUE...\n");
    return 2;
}
