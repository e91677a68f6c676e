// SPDX-License-Identifier: MIT

internal import CLinux
internal import Glibc

/// A program to start, with its arguments, environment and input (posix_spawn(3)).
struct Spawn {
    /// The program and its arguments, as C strings, which need not be UTF-8. A name without a slash is looked up in
    /// `PATH`.
    let arguments: [[CChar]]
    /// The whole environment, each `NAME=VALUE`, as C strings.
    let environment: [[CChar]]
    /// The contents of its standard input.
    let input: [UInt8]

    /// How a program ended.
    enum Ending: Hashable, Sendable {
        case exited(CInt)
        case signaled(CInt)
        /// It was not started, with this error number.
        case notStarted(CInt)
    }

    /// Starts the program and waits for its end. Its standard output is redirected to standard error, and it inherits
    /// no other descriptor.
    func run() -> Ending {
        // A file in memory rather than a pipe, so that no write blocks if the program does not read.
        let file = memfd_create("event", CUnsignedInt(MFD_CLOEXEC))
        guard file >= 0 else { return .notStarted(errno) }
        defer { close(file) }
        let error = writeAll(input, to: file)
        guard error == 0 else { return .notStarted(error) }
        lseek(file, 0, SEEK_SET)

        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_adddup2(&actions, file, STDIN_FILENO)
        posix_spawn_file_actions_adddup2(&actions, STDERR_FILENO, STDOUT_FILENO)
        // Corosync's libraries have descriptors without FD_CLOEXEC.
        posix_spawn_file_actions_addclosefrom_np(&actions, STDERR_FILENO + 1)

        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        var signals = sigset_t([])
        posix_spawnattr_setsigmask(&attributes, &signals)
        // This program ignores SIGPIPE itself. Signals that its caller ignores, like SIGHUP under nohup(1), stay
        // ignored.
        sigaddset(&signals, SIGPIPE)
        posix_spawnattr_setsigdefault(&attributes, &signals)
        posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK))

        var pid: pid_t = -1
        let failure = withCStrings(arguments) { arguments in
            withCStrings(environment) { environment in
                posix_spawnp(&pid, arguments[0]!, &actions, &attributes, arguments, environment)
            }
        }
        guard failure == 0 else { return .notStarted(failure) }
        var status: CInt = 0
        while waitpid(pid, &status, 0) < 0 {
            guard errno == EINTR else { return .exited(0) }
        }
        return status & 0x7F == 0 ? .exited(status >> 8 & 0xFF) : .signaled(status & 0x7F)
    }
}

/// This program's environment, each `NAME=VALUE`, as C strings.
func currentEnvironment() -> [[CChar]] {
    var environment: [[CChar]] = []
    guard var next = vqwatch_environment() else { return [] }
    while let entry = next.pointee {
        environment.append(Array(cString: entry))
        next += 1
    }
    return environment
}

extension [CChar] {
    /// A copy of a C string, with its NUL.
    package init(cString: UnsafePointer<CChar>) {
        self.init(UnsafeBufferPointer(start: cString, count: strlen(cString) + 1))
    }

    /// The text of a C string; bytes that are not UTF-8 are replaced by U+FFFD.
    package var text: String { withUnsafeBufferPointer { String(cString: $0.baseAddress!) } }
}

/// Checks whether a program can be started, as far as that is possible without starting it. Returns the error number,
/// or 0.
func obstacle(toStarting program: [CChar]) -> CInt {
    func check(_ path: [CChar]) -> CInt {
        var information = stat()
        guard stat(path, &information) == 0 else { return errno }
        return information.st_mode & S_IFMT == S_IFREG && access(path, X_OK) == 0 ? 0 : EACCES
    }
    let (slash, colon) = (CChar(UInt8(ascii: "/")), CChar(UInt8(ascii: ":")))
    if program.contains(slash) { return check(program) }
    // The same lookup as posix_spawnp(3): an empty folder name means the current folder.
    let path = getenv("PATH").map { Array(cString: $0) } ?? Array("/bin:/usr/bin".utf8CString)
    var error = ENOENT
    for folder in path.dropLast().split(separator: colon, omittingEmptySubsequences: false) {
        switch check(folder.isEmpty ? program : folder + [slash] + program) {
        case 0: return 0
        case EACCES: error = EACCES
        default: break
        }
    }
    return error
}

private func withCStrings<Result>(
    _ strings: [[CChar]], _ body: (UnsafePointer<UnsafeMutablePointer<CChar>?>) -> Result
) -> Result {
    let copies = strings.map { strdup($0) } + [nil]
    defer { for copy in copies { free(copy) } }
    return copies.withUnsafeBufferPointer { body($0.baseAddress!) }
}
