#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// Which addresses another server may have.
package enum AddressRules {
    /// Whether an address belongs to the public Internet (RFC 6890 and its registries). What is no address is not public.
    package static func isPublic(_ address: String) -> Bool {
        var v4 = [UInt8](repeating: 0, count: 4)
        if inet_pton(AF_INET, address, &v4) == 1 { return isPublic(v4: v4) }
        var v6 = [UInt8](repeating: 0, count: 16)
        // A scope may follow the address of a link.
        let plain = String(address.prefix { $0 != "%" })
        return inet_pton(AF_INET6, plain, &v6) == 1 && isPublic(v6: v6)
    }

    private static func isPublic(v4 bytes: [UInt8]) -> Bool {
        switch (bytes[0], bytes[1]) {
        case (0, _), (10, _), (127, _), (224..., _): false
        case (100, 64...127), (169, 254), (172, 16...31), (192, 168), (198, 18...19): false
        case (192, 0): bytes[2] != 0 && bytes[2] != 2
        case (198, 51): bytes[2] != 100
        case (203, 0): bytes[2] != 113
        default: true
        }
    }

    private static func isPublic(v6 bytes: [UInt8]) -> Bool {
        // An IPv4 address in IPv6's clothes is what it is.
        if bytes[..<10].allSatisfy({ $0 == 0 }), bytes[10] == 0xFF, bytes[11] == 0xFF {
            return isPublic(v4: Array(bytes[12...]))
        }
        // Of global unicast, 2000::/3, all but documentation, Teredo and 6to4, which may lead anywhere.
        guard bytes[0] & 0xE0 == 0x20 else { return false }
        let first = UInt16(bytes[0]) << 8 | UInt16(bytes[1])
        let second = UInt16(bytes[2]) << 8 | UInt16(bytes[3])
        return first != 0x2002 && !(first == 0x2001 && (second == 0x0DB8 || second < 0x0200))
    }
}
