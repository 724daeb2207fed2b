// The checksums of frames that a C++ subscriber sees, as a program of its own for machines without a compiler; see checksum.hpp.
#include "checksum.hpp"

int main(int count, char** values) { return cuframes_tests::checksum(cuframes_tests::Arguments(count - 1, values + 1)); }
