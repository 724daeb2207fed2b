// Reads the frame code of docs/test-pattern.md, and judges a sequence of frames by it.
#pragma once

#include <array>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <optional>
#include <string>

namespace cuframes_tests {

/// CRC-16/IBM-3740.
inline std::uint16_t crc16(const std::uint8_t* bytes, std::size_t size) {
    std::uint32_t crc = 0xffff;
    for (std::size_t i = 0; i < size; i++) {
        crc ^= std::uint32_t{bytes[i]} << 8;
        for (int bit = 0; bit < 8; bit++) {
            crc = (crc & 0x8000) != 0 ? (crc << 1 ^ 0x1021) & 0xffff : crc << 1 & 0xffff;
        }
    }
    return static_cast<std::uint16_t>(crc);
}

/// CRC-32C, by a table; as java.util.zip.CRC32C.
class Crc32c {
public:
    Crc32c() {
        for (std::uint32_t i = 0; i < 256; i++) {
            std::uint32_t value = i;
            for (int bit = 0; bit < 8; bit++) {
                value = (value & 1) != 0 ? value >> 1 ^ 0x82f63b78 : value >> 1;
            }
            table_[i] = value;
        }
    }

    void update(const std::uint8_t* bytes, std::size_t size) {
        for (std::size_t i = 0; i < size; i++) {
            crc_ = table_[(crc_ ^ bytes[i]) & 0xff] ^ crc_ >> 8;
        }
    }

    void reset() { crc_ = 0xffffffff; }
    std::uint32_t value() const { return ~crc_; }

private:
    std::array<std::uint32_t, 256> table_{};
    std::uint32_t crc_ = 0xffffffff;
};

enum class Reading { ok, torn, damaged, none };

struct FrameCode {
    Reading reading = Reading::none;
    std::uint32_t number = 0;
    std::uint32_t tag = 0;

    bool operator==(const FrameCode& other) const { return reading == other.reading && number == other.number && tag == other.tag; }

    const char* describe() const {
        return reading == Reading::torn ? "torn" : reading == Reading::damaged ? "damaged" : reading == Reading::none ? "without a code" : "whole";
    }
};

inline FrameCode read_strip(const std::uint8_t* luma, std::size_t pitch, std::size_t top, std::size_t cell) {
    std::uint32_t level[4][18];
    for (std::size_t row = 0; row < 4; row++) {
        for (std::size_t column = 0; column < 18; column++) {
            std::uint32_t sum = 0;
            for (std::size_t j = 0; j < 4; j++) {
                for (std::size_t i = 0; i < 4; i++) {
                    sum += luma[(top + row * cell + cell / 4 + j * cell / 8) * pitch + column * cell + cell / 4 + i * cell / 8];
                }
            }
            level[row][column] = sum;
        }
    }
    const std::uint32_t white = std::min({level[0][0], level[1][17], level[2][0], level[3][17]});
    const std::uint32_t black = std::max({level[0][17], level[1][0], level[2][17], level[3][0]});
    if (white < black + 64 * 16) {
        return {};
    }
    std::uint32_t word[4] = {};
    for (std::size_t row = 0; row < 4; row++) {
        for (std::size_t column = 1; column <= 16; column++) {
            word[row] = word[row] << 1 | (2 * level[row][column] > white + black ? 1u : 0u);
        }
    }
    std::uint8_t bytes[6];
    for (std::size_t i = 0; i < 3; i++) {
        bytes[2 * i] = static_cast<std::uint8_t>(word[i] >> 8);
        bytes[2 * i + 1] = static_cast<std::uint8_t>(word[i]);
    }
    return {crc16(bytes, sizeof bytes) == word[3] ? Reading::ok : Reading::damaged, word[0] << 16 | word[1], word[2]};
}

inline FrameCode read_code(const std::uint8_t* luma, std::size_t pitch, std::size_t width, std::size_t height) {
    if (width < 160 || height < 120) {
        return {};
    }
    const std::size_t cell = 8 * std::max<std::size_t>(1, std::min(width / 640, height / 360));
    const std::size_t room = height - 4 * cell;
    const FrameCode strips[3] = {read_strip(luma, pitch, 0, cell), read_strip(luma, pitch, room / 2 / cell * cell, cell), read_strip(luma, pitch, room, cell)};
    int valid = 0;
    int absent = 0;
    bool differ = false;
    const FrameCode* first = nullptr;
    for (const FrameCode& strip : strips) {
        absent += strip.reading == Reading::none ? 1 : 0;
        if (strip.reading == Reading::ok) {
            valid++;
            differ = differ || (first != nullptr && !(*first == strip));
            first = &strip;
        }
    }
    if (differ) {
        return {Reading::torn, 0, 0};
    }
    if (valid == 3) {
        return *first;
    }
    return {absent == 3 ? Reading::none : Reading::damaged, 0, 0};
}

/// Arguments of the form name=value.
class Arguments {
public:
    Arguments(int count, char** values) {
        for (int i = 0; i < count; i++) {
            const std::string argument = values[i];
            const std::size_t equals = argument.find('=');
            if (equals == std::string::npos) {
                std::fprintf(stderr, "an argument is name=value, not %s\n", values[i]);
                std::exit(2);
            }
            values_[argument.substr(0, equals)] = argument.substr(equals + 1);
        }
    }

    std::string text(const std::string& name, const std::string& otherwise = "") const {
        const auto found = values_.find(name);
        return found == values_.end() ? otherwise : found->second;
    }

    std::int64_t number(const std::string& name, std::int64_t otherwise) const {
        const auto found = values_.find(name);
        return found == values_.end() ? otherwise : std::strtoll(found->second.c_str(), nullptr, 10);
    }

private:
    std::map<std::string, std::string> values_;
};

}  // namespace cuframes_tests
