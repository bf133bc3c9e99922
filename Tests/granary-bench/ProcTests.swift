import Testing

@testable import granary_bench

@Suite("What the kernel tells")
struct ProcTests {
    @Test("User and system time are read behind a name that may hold anything")
    func stat() {
        let text = "42 (a) (b 7) S 1 42 42 0 -1 4194560 900 0 0 0 250 50 9 9 20 0 4 0 100 1000 50"
        #expect(ProcessUsage.cpuSeconds(stat: text) == 3)
        #expect(ProcessUsage.fields(stat: text).dropFirst().first == "1")
        #expect(ProcessUsage.cpuSeconds(stat: "42 (a") == nil)
    }

    @Test("Sizes are in kibibytes")
    func status() {
        let text = "Name:\tgranary\nVmHWM:\t    2048 kB\nVmRSS:\t    1024 kB\n"
        #expect(ProcessUsage.bytes("VmRSS", status: text) == 1_048_576)
        #expect(ProcessUsage.bytes("VmHWM", status: text) == 2_097_152)
        #expect(ProcessUsage.bytes("VmSwap", status: text) == nil)
    }

    @Test("Waiting for the disk is not busy, and time the host took is apart")
    func machine() throws {
        let times = try #require(CPUTimes(stat: "cpu  100 0 200 300 400 10 20 70 0 0\ncpu0 1 1 1 1 1 1 1 1 1 1\n"))
        #expect(abs(times.total - 11) < 1e-9)
        #expect(abs(times.busy - 3.3) < 1e-9)
        #expect(times.steal == 0.7)
        #expect(CPUTimes(stat: "cpu 1 2") == nil)
    }
}
